import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRig } from './engine.test-rig.ts'
import type { JsonSchema } from './openapi-components.ts'

const rig = createRig()
const doc = rig.document()

const nasty = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    0,
    -1,
    1e308,
    1e21,
    true,
    [],
    {},
    [[]],
    '\u0000',
    '\ud800',
    '__proto__',
    '$where',
    "'; drop table x; --",
    '../../etc/passwd',
    'a\r\nb',
  ),
  fc.constantFrom<unknown>(
    '9999-12-31T23:59:59Z',
    '+275760-09-13T00:00:00Z',
    '2026-13-01T00:00:00Z',
    'http://[::1',
    'https://x.test/\u202e',
    'Etc/GMT+99',
    'NaN',
    '99:99',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ minLength: 300, maxLength: 400 }),
  fc.jsonValue({ maxDepth: 4 }),
  fc.array(fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.constant({ a: { $gt: '' } })), { maxLength: 5 }),
)

function resolved(schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split('/').at(-1)
  return name === undefined ? schema : (doc.components.schemas[name] ?? {})
}

/** Something that fits, so that rubbish in one field reaches past the others. */
function sample(wrapped: JsonSchema): unknown {
  const schema = resolved(wrapped)
  const [first] = Array.isArray(schema.anyOf) ? schema.anyOf : Array.isArray(schema.allOf) ? schema.allOf : []
  if (first !== undefined) return sample(first)
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if (schema.type === 'object') return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(schema.properties?.[name] ?? {})]))
  if (schema.type === 'array') return [sample(schema.items ?? {})]
  if (schema.type === 'boolean') return true
  if (schema.type === 'integer' || schema.type === 'number') return 1
  if (schema.format === 'date-time') return '2026-11-22T10:00:00Z'
  return 'https://x.test'
}

const operations = Object.entries(doc.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
)
const writes = operations.filter(({ operation }) => operation.requestBody)
const headersOf = (path: string) => ({ authorization: path.endsWith('v1-message') ? 'Bearer service-token' : 'Bearer tl_install' })
const address = (path: string) => path.replace(/\{\w+\}/g, 'id_1')

function expectSound(status: number, text: string, what: string): void {
  expect(status, what).toBeLessThan(500)
  if (status >= 400)
    expect(JSON.parse(text), what).toMatchObject({ status, code: expect.any(String), error: expect.any(String), correlationId: expect.any(String) })
}

describe('rubbish is never a 5xx', () => {
  it('finds the writes', () => expect(writes.length).toBeGreaterThan(15))

  it.each(writes)('$method $path, in every field', async ({ path, method, operation }) => {
    const schema = resolved(operation.requestBody?.content['application/json'].schema ?? {})
    const forms = Array.isArray(schema.anyOf) ? schema.anyOf.map((one: JsonSchema) => resolved(one)) : [schema]
    for (const form of forms) {
      const good = sample(form) as object
      const fields = Object.keys(form.properties ?? {})
      expect(fields.length).toBeGreaterThan(0)
      for (const field of [...fields, '__proto__', 'unknown']) {
        await fc.assert(
          fc.asyncProperty(nasty, async (value) => {
            const body = JSON.stringify(Object.fromEntries([...Object.entries(good), [field, value]]))
            const response = await rig.call(method, address(path), body, headersOf(path))
            expectSound(response.status, await response.text(), `${field} = ${body}`)
          }),
          { numRuns: 12 },
        )
      }
    }
  })

  it.each(writes)('$method $path, as a whole', async ({ path, method }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          nasty.map((value) => JSON.stringify(value)),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
        ),
        async (body) => {
          const response = await rig.call(method, address(path), body, headersOf(path))
          expectSound(response.status, await response.text(), body)
        },
      ),
      { numRuns: 20 },
    )
  })

  it.each(operations.filter(({ operation }) => operation.parameters.length > 0))(
    '$method $path, in path and query',
    async ({ path, method, operation }) => {
      const text = fc.oneof(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
        fc.constantFrom('%', '%zz', '%00', '..', '__proto__', '0', '-1', '1e999', ' ', '\ud83d'),
      )
      const names = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      await fc.assert(
        fc.asyncProperty(text, text, fc.constantFrom(...names, 'unknown', '__proto__'), async (param, value, name) => {
          const encode = (raw: string) => encodeURIComponent(raw.toWellFormed())
          const place = path.replace(/\{\w+\}/g, param.startsWith('%') ? param : encode(param).replace(/^\.+$/, '%2e'))
          const response = await rig.call(method, `${place}?${name}=${encode(value)}`, undefined, headersOf(path))
          const body = await response.text()
          expect(response.status, place).toBeLessThan(500)
          if (response.headers.get('content-type') === 'application/problem+json') expectSound(response.status, body, place)
        }),
        { numRuns: 15 },
      )
    },
  )
})
