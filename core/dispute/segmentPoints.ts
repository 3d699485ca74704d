/**
 * Where a segment of the trace is cut: with d = hi - lo and n = min(k, d) the points lo + floor(d * i / n) for 0 < i < n, ascending
 * and all different. Part j, 0 <= j < n, lies between point j and point j + 1, counting lo as point 0 and hi as point n; none is
 * longer than ceil(d / k), so a trace of N steps is down to one after ceil(log_k N) cuts. Nothing is to be cut for d <= 1.
 */
export function segmentPoints(lo: number, hi: number, k: number): number[] {
  const distance = hi - lo;
  const parts = Math.min(k, distance);
  const points: number[] = [];
  for (let i = 1; i < parts; i += 1) points.push(lo + Math.floor((distance * i) / parts));
  return points;
}
