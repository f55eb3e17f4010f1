import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configTable, withTable } from './config-table.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

test('the README holds the table of today; if not: npm run docs', () => {
  expect(withTable(readme)).toBe(readme)
})

test('every row has a variable, a default and a meaning', () => {
  for (const row of configTable().split('\n').slice(2)) expect(row).toMatch(/^\| `[A-Z_]+` \| \S.*? \| \S.+ \|$/)
})

test('what stands around the table stays', () => {
  const renewed = withTable('before\n<!-- configuration: written by npm run docs -->\nstale row\n<!-- /configuration -->\nafter\n')
  expect(renewed.startsWith('before\n')).toBe(true)
  expect(renewed.endsWith('<!-- /configuration -->\nafter\n')).toBe(true)
  expect(renewed).not.toContain('stale row')
  expect(() => withTable('no markers')).toThrow('lacks the lines')
})
