import { problems } from '../../../schemas/problem.ts'
import { curlCommand } from './curl.ts'
import { describeValue, type Field, fieldsOf } from './fields.ts'
import { guide } from './guide.ts'
import { type Html, html, inline, prose } from './html.ts'
import type { Json, JsonObject } from './json-schema.ts'

/** One operation of the document. */
interface Entry {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly operation: JsonObject
}

/** Renders the OpenAPI document as one page that needs no script and asks nobody else for anything. */
export function docsPage(document: JsonObject): string {
  const schemas = objectAt(document, 'components', 'schemas')
  const entries = entriesOf(document)
  const parts = (document.tags as readonly JsonObject[]).map((tag) => ({
    name: String(tag.name),
    description: String(tag.description ?? ''),
    entries: entries.filter(({ operation }) => (operation.tags as readonly Json[]).includes(tag.name ?? '')),
  }))
  const contents = [
    html`<p class="group">Guide</p><ul>${guide.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul>`,
    ...parts.map(
      (part) =>
        html`<p class="group">${part.name}</p><ul>${part.entries.map(
          ({ id, method, operation }) =>
            html`<li><a href="#${id}"><span class="verb ${method}">${method}</span> ${String(operation.summary)}</a></li>`,
        )}</ul>`,
    ),
    html`<p class="group">Reference</p><ul><li><a href="#problems">All problems</a></li></ul>`,
  ]
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mooring API</title>
<link rel="stylesheet" href="/api/docs/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top"><a class="brand" href="#content">Mooring <span>API</span></a>
<a href="/api/v1/openapi.json">OpenAPI 3.1</a></header>
<details class="narrow-contents"><summary>Contents</summary><nav aria-label="Contents">${contents}</nav></details>
<div class="columns">
<aside><nav aria-label="Contents">${contents}</nav></aside>
<main id="content">
<h1>Mooring API</h1>
${guide.map(({ id, title, body }) => html`<section class="guide" id="${id}"><h2>${title}</h2>${body}</section>`)}
${parts.map(
  (part) => html`<section><h2 class="part">${part.name}</h2>${prose(part.description)}
${part.entries.map((entry) => article(entry, schemas))}</section>`,
)}
<section id="problems"><h2 class="part">All problems</h2><table class="fields"><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead>
<tbody>${Object.entries(problems).map(
    ([code, { status, title }]) =>
      html`<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}.</td></tr>`,
  )}</tbody></table></section>
</main>
</div>
</body>
</html>
`.html
}

function article({ id, method, path, operation }: Entry, schemas: JsonObject): Html {
  const parameters = (operation.parameters ?? []) as readonly JsonObject[]
  const body = operation.requestBody
    ? objectAt(operation.requestBody as JsonObject, 'content', 'application/json')
    : undefined
  const answers = Object.entries(operation.responses as JsonObject) as [string, JsonObject][]
  const [status, success] = answers.find(([code]) => code.startsWith('2')) ?? ['200', {}]
  const answer = success.content ? objectAt(success, 'content', 'application/json') : undefined
  return html`<article id="${id}">
<h3>${String(operation.summary)}</h3>
<p class="call"><span class="verb ${method}">${method}</span> <code>${path}</code></p>
${prose(String(operation.description ?? ''))}
${['path', 'query', 'header'].map((place) =>
  parameterTable(
    place,
    parameters.filter((one) => one.in === place),
    schemas,
  ),
)}
${body && fieldTable('Body', fieldsOf((body.schema ?? {}) as JsonObject, schemas), true)}
<h4>Example</h4>
<pre class="shell"><code>${curlOf({ id, method, path, operation }, body)}</code></pre>
${answerPart(status, answer, schemas)}
${problemList(answers)}
</article>`
}

function parameterTable(place: string, parameters: readonly JsonObject[], schemas: JsonObject): Html | undefined {
  if (parameters.length === 0) return undefined
  const titles: Readonly<Record<string, string>> = { path: 'Path', query: 'Query', header: 'Headers' }
  const rows = parameters.map((parameter): Field => {
    const { type, rules } = describeValue((parameter.schema ?? {}) as JsonObject, schemas)
    return {
      name: String(parameter.name),
      type,
      isRequired: parameter.required === true,
      description: String(parameter.description ?? ''),
      rules,
    }
  })
  return fieldTable(titles[place] ?? place, rows, place !== 'path')
}

function fieldTable(title: string, fields: readonly Field[], showsRequired: boolean): Html | undefined {
  if (fields.length === 0) return undefined
  return html`<h4>${title}</h4>
<table class="fields"><tbody>${fields.map(
    ({ name, type, isRequired, description, rules }) =>
      html`<tr><td><code>${name}</code>${
        showsRequired && isRequired && html` <span class="required">required</span>`
      }<span class="type">${type}</span></td><td>${description !== '' && html`<span>${inline(description)}</span>`}${
        rules.length > 0 && html`<span class="rules">${inline(rules.join(' · '))}</span>`
      }</td></tr>`,
  )}</tbody></table>`
}

function answerPart(status: string, answer: JsonObject | undefined, schemas: JsonObject): Html {
  if (!answer) return html`<h4>Answer <span class="status">${status}</span></h4><p>No body.</p>`
  const fields = fieldsOf((answer.schema ?? {}) as JsonObject, schemas)
  return html`<h4>Answer <span class="status">${status}</span></h4>
${answer.example !== undefined && html`<pre><code>${JSON.stringify(answer.example, null, 2)}</code></pre>`}
${fields.length > 0 && html`<details><summary>Fields of the answer</summary>${fieldTable('Answer', fields, false)}</details>`}`
}

function problemList(answers: readonly (readonly [string, JsonObject])[]): Html {
  const failures = answers.filter(([status]) => Number(status) >= 400)
  return html`<details><summary>Problems</summary><table class="fields"><tbody>${failures.flatMap(
    ([status, { description }]) =>
      [...String(description).matchAll(/`(\w+)`: ([^`]*)\.(?= |$)/g)].map(
        ([, code, title]) =>
          html`<tr><td><span class="status">${status}</span> <a href="#problem-${code}"><code>${code}</code></a></td><td>${title}.</td></tr>`,
      ),
  )}</tbody></table></details>`
}

function curlOf({ method, path, operation }: Entry, body: JsonObject | undefined): string {
  const parameters = (operation.parameters ?? []) as readonly JsonObject[]
  const withExample = parameters.filter(({ example }) => example !== undefined)
  return curlCommand({
    method,
    path,
    credential: credentialOf(operation.security as readonly JsonObject[]),
    params: Object.fromEntries(
      withExample.filter((one) => one.in === 'path').map(({ name, example }) => [String(name), example as Json]),
    ),
    query: withExample
      .filter((one) => one.in === 'query')
      .flatMap(({ name, example }) => [example as Json].flat().map((value) => [String(name), String(value)] as const)),
    body: body && (body.example ?? {}),
  })
}

function credentialOf(security: readonly JsonObject[]): 'token' | 'session' | 'none' {
  if (security.length === 0) return 'none'
  return security.some((one) => 'token' in one) ? 'token' : 'session'
}

function entriesOf(document: JsonObject): Entry[] {
  return Object.entries(document.paths as JsonObject).flatMap(([path, methods]) =>
    Object.entries(methods as JsonObject).map(([method, operation]) => ({
      id: String((operation as JsonObject).operationId),
      method: method.toUpperCase(),
      path,
      operation: operation as JsonObject,
    })),
  )
}

function objectAt(value: JsonObject, ...names: readonly string[]): JsonObject {
  return names.reduce<JsonObject>((inner, name) => (inner[name] ?? {}) as JsonObject, value)
}
