import type { OpenApi, Operation } from './openapi.ts'
import type { JsonSchema } from './openapi-components.ts'
import { escapeHtml, page } from './pages.ts'

/** Prose with `code` in it. */
const prose = (text: string) => escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
const code = (text: string) => `<code>${escapeHtml(text)}</code>`

function typeOf(schema: JsonSchema): string {
  if (schema.$ref) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)
    return `<a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a>`
  }
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map((one) => typeOf(one)).join(' or ')
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => code(JSON.stringify(one))).join(' ')
  if ('const' in schema) return code(JSON.stringify(schema.const))
  if (schema.items) return `array of ${typeOf(schema.items)}`
  if (schema.properties) return `object ${fields(schema)}`
  const bounds = ['minLength', 'maxLength', 'minimum', 'maximum', 'format'].flatMap((name) =>
    name in schema ? [`${name} ${String(schema[name])}`] : [],
  )
  return `${escapeHtml(String(schema.type ?? 'any'))}${bounds.length > 0 ? ` <small>${escapeHtml(bounds.join(', '))}</small>` : ''}`
}

function fields(schema: JsonSchema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, inner]) => {
    const required = (schema.required ?? []).includes(name) ? '' : ' <small>optional</small>'
    const about = inner.description ? `<br><small>${prose(inner.description)}</small>` : ''
    return `<tr><td>${code(name)}${required}</td><td>${typeOf(inner)}${about}</td></tr>`
  })
  return rows.length > 0 ? `<table>${rows.join('')}</table>` : ''
}

function shape(title: string, schema: JsonSchema | undefined): string {
  if (!schema) return ''
  return `<p><strong>${escapeHtml(title)}</strong> ${schema.properties ? fields(schema) : typeOf(schema)}</p>`
}

function section(method: string, path: string, operation: Operation): string {
  const parameters = operation.parameters.map((one) => {
    const about = one.description ? `<br><small>${prose(one.description)}</small>` : ''
    return `<tr><td>${code(one.name)} <small>${one.in}${one.required ? '' : ', optional'}</small></td><td>${typeOf(one.schema)}${about}</td></tr>`
  })
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) =>
    shape(`${status}: ${description}`, Object.values(content ?? {})[0]?.schema ?? {}),
  )
  return [
    `<h3 id="${escapeHtml(operation.operationId)}">${code(`${method.toUpperCase()} ${path}`)}</h3>`,
    `<p>${prose(operation.summary)}${operation.description ? `. ${prose(operation.description)}` : ''}</p>`,
    parameters.length > 0 ? `<table>${parameters.join('')}</table>` : '',
    shape('Body', operation.requestBody?.content['application/json'].schema),
    `<details><summary>Answers</summary>${answers.join('')}</details>`,
  ].join('')
}

/**
 * The document as one page without a script: it reads the same offline, behind any proxy and under the strictest policy. The viewers
 * on offer load themselves from a CDN, phone home when installed, or weigh more than the hub.
 */
export function docsPage(document: OpenApi): string {
  const byTag = new Map<string, string[]>()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? ''
      byTag.set(tag, [...(byTag.get(tag) ?? []), section(method, path, operation)])
    }
  }
  const tags = [...byTag.keys()]
  const events = Object.keys(document.webhooks)
  const body = [
    `<h1>${escapeHtml(document.info.title)}</h1><p>${prose(document.info.description)} The same as <a href="openapi.json">OpenAPI</a>.</p>`,
    `<p>${[...tags, 'events', 'schemas'].map((tag) => `<a href="#${escapeHtml(tag)}">${escapeHtml(tag)}</a>`).join(' · ')}</p>`,
    `<p>Authenticate with ${code('Authorization: Bearer tl_…')} or ${code('X-API-Key: tl_…')}. Every write takes ${code('Idempotency-Key')}. Errors are problem documents (RFC 9457) with a ${code('code')}.</p>`,
    ...tags.map((tag) => `<h2 id="${escapeHtml(tag)}">${escapeHtml(tag)}</h2>${(byTag.get(tag) ?? []).join('')}`),
    `<h2 id="events">events</h2><p>Posted to your endpoints as <a href="#schema-Event">Event</a>: ${events.map(code).join(' ')}</p>`,
    '<h2 id="schemas">schemas</h2>',
    ...Object.entries(document.components.schemas).map(
      ([name, schema]) => `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>${fields(schema)}`,
    ),
  ]
  return page('Trunkline API', body.join(''))
}
