/** Collects the conditions of a query with their values, so that no value ever becomes SQL. */
export class Where {
  readonly #conditions: string[] = [];
  readonly #values: unknown[] = [];

  /** The placeholder of a value. */
  value(value: unknown): string {
    this.#values.push(value);
    return `$${this.#values.length}`;
  }

  /** @param condition SQL of this program, with `?` for each value */
  and(condition: string, ...values: readonly unknown[]): this {
    let place = 0;
    this.#conditions.push(condition.replaceAll("?", () => this.value(values[place++])));
    return this;
  }

  get sql(): string {
    return this.#conditions.length === 0 ? "true" : this.#conditions.join(" AND ");
  }

  get values(): unknown[] {
    return this.#values;
  }
}
