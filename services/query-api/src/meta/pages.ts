/** The pages' HTML, scripts and styles. Links are relative, so that the API may live below a path. */
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt({ html: false, linkify: false });

export const tryPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Annals API</title>
    <link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png" />
    <link rel="stylesheet" href="docs/assets/swagger-ui.css" />
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/assets/swagger-ui-bundle.js"></script>
    <script src="docs/assets/try.js"></script>
  </body>
</html>
`;

export const tryScript = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

export const pageStyle = `:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 45rem; margin: 3rem auto; padding: 0 1rem; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid; border-radius: 0.25rem; }
`;

/** A page of a problem from its Markdown, which begins with the code as its heading. */
export function renderProblemPage(source: string): string {
  const title = /^# (\S+)/.exec(source)?.[1] ?? 'problem';
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${markdown.utils.escapeHtml(title)} – Annals</title>
    <link rel="stylesheet" href="../assets/page.css" />
  </head>
  <body>
${markdown.render(source)}
    <p><a href="../../docs">The API</a></p>
  </body>
</html>
`;
}
