/** The upstream's answer is not proper HTTP/1.x, or ended early. */
export class AnswerProblem extends Error {
  readonly problem: string;

  constructor(problem: string) {
    super(`The upstream's answer: ${problem}.`);
    this.name = "AnswerProblem";
    this.problem = problem;
  }
}
