import { sql } from 'kysely'
import type { Kind } from './columns.ts'
import type { Dialect } from './sql.ts'

function field(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
}

/** SQLSTATE or SQLite result code; Kysely and drivers may wrap the error once. */
function codeOf(error: unknown, name: string): unknown {
  return field(error, name) ?? field(field(error, 'cause'), name)
}

// sqlite.org/rescode.html: the low byte is the class, the rest says more.
const constraint = 19
const tooBig = 18
const mismatch = 20
const unique = [2067, 1555]

export const sqlite: Dialect = {
  name: 'sqlite',
  // One prepared statement, run for row after row in one transaction by the driver: twice as fast as taking rows out of JSON.
  rows(columns) {
    const fields = Object.keys(columns).map((name, i) => `?${i + 1} as ${name}`)
    return `(select ${fields.join(', ')}) as v`
  },
  parameters(columns, rows) {
    const names = Object.keys(columns)
    return rows.map((row) => names.map((name) => row[name]))
  },
  inFlightMax: 1,
  isTaken: (error) => unique.some((code) => code === codeOf(error, 'errcode')),
  splits(error) {
    const code = codeOf(error, 'errcode')
    return typeof code === 'number' && [constraint, tooBig, mismatch].includes(code & 255)
  },
  // One process, one connection, and Kysely lets one transaction on it at a time.
  lock: () => Promise.resolve(),
}

const types: Record<Kind, string> = { text: 'text', 'text?': 'text', int: 'bigint', 'int?': 'bigint', json: 'text', 'json?': 'text' }

export const postgres: Dialect = {
  name: 'postgres',
  rows(columns) {
    const fields = Object.entries(columns).map(([name, kind]) => `${name} ${types[kind]}`)
    return `json_to_recordset($1::json) as v(${fields.join(', ')})`
  },
  parameters: (_, rows) => [JSON.stringify(rows)],
  inFlightMax: 3,
  isTaken: (error) => codeOf(error, 'code') === '23505',
  // postgresql.org/docs/current/errcodes-appendix.html: 22 data, 23 constraint, 54 a limit, 40 deadlock or serialization. A lost connection is nobody's fault.
  splits(error) {
    const code = codeOf(error, 'code')
    return typeof code === 'string' && code.length === 5 && ['22', '23', '54', '40'].includes(code.slice(0, 2))
  },
  async lock(trx, name) {
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx)
  },
}
