import type { AnyRoute } from "./Route.ts";
import { FEED_EVENTS, FEED_PATH } from "./feed/FeedEvent.ts";

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** A plain page that lists the routes; it needs nothing from elsewhere. */
export function docsPage(routes: readonly AnyRoute[]): string {
  const tags = [...new Set(routes.map((route) => route.tag))];
  const sections = tags.map((tag) => {
    const rows = routes
      .filter((route) => route.tag === tag)
      .map((route) => {
        const path = route.path.includes("{") ? escape(route.path) : `<a href="${escape(route.path)}">${escape(route.path)}</a>`;
        const query = Object.keys(route.query as object).map((name) => `<code>${escape(name)}</code>`).join(" ");
        return `<tr><td><code>${path}</code></td><td>${escape(route.summary)}</td><td>${query}</td></tr>`;
      });
    return `<h2>${escape(tag)}</h2><table><tr><th>GET</th><th></th><th>query</th></tr>${rows.join("")}</table>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>agnt2 API</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}</style>
<h1>agnt2 API</h1><p>Derived from L1 alone. The full description is <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1); figures for Prometheus are at <a href="/metrics">/metrics</a>.</p>
${sections.join("\n")}
<h2>feed</h2><p>WebSocket <code>${FEED_PATH}?types=batch,claimed</code>: after a break with <code>&amp;resumeBlock=N</code> everything from L1 block N on again. JSON messages of type ${FEED_EVENTS.map((type) => `<code>${type}</code>`).join(", ")}.</p></html>`;
}
