/** The OpenAPI 3.1 document of the service, made from the table of its routes. */

import { type Body, type Route, refusalSchema, routes, type Schema } from "./routes.ts";

/** What any route may answer. */
const always: Readonly<Record<number, string>> = {
  429: "asked too often; `Retry-After` says when again",
  500: "what is published or stored does not hold",
  503: "not now: the store, a place or another upload is in the way",
};
const words: Readonly<Record<number, string>> = {
  ...always,
  200: "done",
  400: "not understood",
  401: "no client certificate",
  403: "a client certificate that does not count, or may not do this",
  404: "there is none",
  409: "taken, and something of it is in dispute",
  413: "larger than the service takes",
  415: "of another type",
  422: "something was refused; everything else was taken",
};

export function openApi(origin: string, version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes as readonly Route[]) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operation(route);
    paths[route.path] = path;
  }
  return {
    openapi: "3.1.0",
    info: {
      title: `Coldseal ledger ${origin}`,
      version,
      summary: "Tiles, proofs, search and upload of a ledger's log.",
    },
    paths,
    components: {
      schemas: { Refusal: refusalSchema },
      securitySchemes: { clientCertificate: { type: "mutualTLS" } },
    },
  };
}

function operation(route: Route): Schema {
  const { access, answers, id, refusals, summary, takes } = route;
  const own = access === "open" ? [] : [401, 403];
  const statuses = [...refusals, ...own, ...Object.keys(always).map(Number)].filter((one) => !(one in answers));
  return {
    operationId: id,
    summary,
    security: access === "open" ? [] : [{ clientCertificate: [access] }],
    ...parametersOf(route),
    ...(takes ? { requestBody: { required: true, content: contentOf(takes) } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, body]) => [
          status,
          { description: words[Number(status)], content: contentOf(body as Body) },
        ]),
      ),
      ...Object.fromEntries(
        statuses.map((status) => [
          status,
          {
            description: words[status],
            content: { "application/json": { schema: { $ref: "#/components/schemas/Refusal" } } },
          },
        ]),
      ),
    },
  };
}

function parametersOf({ pathParameters = {}, query = {}, required = [] }: Route): Schema {
  const parameters = [
    ...Object.entries(pathParameters).map(([name, schema]) => ({ name, in: "path", required: true, schema })),
    ...Object.entries(query).map(([name, schema]) => ({
      name,
      in: "query",
      required: required.includes(name),
      schema,
    })),
  ];
  return parameters.length === 0 ? {} : { parameters };
}

/** OpenAPI keys content by media type; parameters of the type stay in the answer itself. */
function contentOf({ schema, type }: Body): Schema {
  return { [type.split(";")[0] as string]: { schema } };
}
