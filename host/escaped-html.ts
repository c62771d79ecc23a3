/** Text within HTML, also in a quoted attribute: nothing of it is markup. */

const entities: Readonly<Record<string, string>> = {
  '"': "&quot;",
  "&": "&amp;",
  "'": "&#39;",
  "<": "&lt;",
  ">": "&gt;",
};

export function escapedHtml(text: string): string {
  return text.replace(/["&'<>]/g, (character) => entities[character] as string);
}
