import { sql } from 'kysely'
import type { Kind } from './columns.ts'
import type { Dialect, Identity } from './sql.ts'

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

const identity = ['workspace_id', 'id']

/** Begins a statement that answers with the index of each row it changed: SQLite's own `returning` costs half as much as the write itself. */
export const eachMark = '/* each */'

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
  insert(table, columns) {
    const names = Object.keys(columns)
    return `${eachMark} insert into ${table} (${names.join(', ')}) values (${names.map((_, i) => `?${i + 1}`).join(', ')}) on conflict do nothing`
  },
  update(table, columns) {
    const places = new Map(Object.keys(columns).map((name, i) => [name, `?${i + 1}`]))
    const place = (name: string): string => places.get(name) ?? 'null'
    const set = Object.keys(columns).filter((name) => !identity.includes(name))
    const sets = set.map((name) => `${name} = ${place(name)}${name === 'version' ? ' + 1' : ''}`)
    const matches = [...identity, 'version'].map((name) => `${name} = ${place(name)}`)
    return `${eachMark} update ${table} set ${sets.join(', ')} where ${matches.join(' and ')}`
  },
  written(rows, answers) {
    const changed = new Set(answers)
    return rows.filter((_, n) => changed.has(n))
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
  insert(table, columns) {
    const names = Object.keys(columns)
    return `insert into ${table} (${names.join(', ')}) select ${names.map((name) => `v.${name}`).join(', ')} from ${this.rows(columns)}
      on conflict do nothing returning workspace_id, id`
  },
  update(table, columns) {
    const set = Object.keys(columns).filter((name) => !identity.includes(name))
    return `update ${table} set ${set.map((name) => `${name} = v.${name}${name === 'version' ? ' + 1' : ''}`).join(', ')} from ${this.rows(columns)}
      where ${[...identity, 'version'].map((name) => `${table}.${name} = v.${name}`).join(' and ')}
      returning ${identity.map((name) => `${table}.${name}`).join(', ')}`
  },
  written: (_, answers) => answers as readonly Identity[],
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
