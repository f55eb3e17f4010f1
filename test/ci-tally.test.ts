import { describe, expect, test } from 'vitest'
import { tally } from '../.ci/tally.ts'

const suite = (name: string, status: string, tests: Record<string, string> = {}) => ({
  name,
  status,
  assertionResults: Object.entries(tests).map(([fullName, state]) => ({ fullName, status: state })),
})

describe('the examination', () => {
  test('counts what passed and what failed', () => {
    const testResults = [suite('/a.test.ts', 'passed', { x: 'passed', y: 'passed' }), suite('/b.test.ts', 'failed', { z: 'failed', w: 'passed' })]
    expect(tally({ success: false, testResults }, 1)).toEqual({ passed: 3, failed: 1, complaints: [] })
  })

  test.each(['queue on Redis, skipped: no server', 'PostgreSQL store', 'store on MongoDB'])('fails when it was skipped: %s', (name) => {
    const testResults = [suite('/a.test.ts', 'passed', { x: 'passed', [name]: 'skipped' })]
    expect(tally({ success: true, testResults }, 0)).toMatchObject({ passed: 1, failed: 1 })
  })

  test('fails when a suite for a server was skipped, known by its file', () => {
    const testResults = [
      suite('/core/src/store/sql/postgres.test.ts', 'passed', { 'keeps a lead': 'pending' }),
      suite('/a.test.ts', 'passed', { x: 'passed' }),
    ]
    expect(tally({ success: true, testResults }, 0).complaints).toEqual([
      'skipped, but must run: /core/src/store/sql/postgres.test.ts > keeps a lead',
    ])
  })

  test('lets other tests be skipped', () => {
    expect(tally({ success: true, testResults: [suite('/a.test.ts', 'passed', { x: 'passed', y: 'skipped' })] }, 0).failed).toBe(0)
  })

  test('fails when a file could not even be loaded', () => {
    const testResults = [suite('/a.test.ts', 'passed', { x: 'passed' }), suite('/b.test.ts', 'failed')]
    expect(tally({ success: false, testResults }, 1)).toEqual({ passed: 1, failed: 1, complaints: ['failed as a whole: /b.test.ts'] })
  })

  test('fails when the run ended badly though every test passed', () => {
    expect(tally({ success: true, testResults: [suite('/a.test.ts', 'passed', { x: 'passed' })] }, 1).failed).toBe(1)
  })

  test('fails when nothing ran', () => {
    expect(tally({ success: true, testResults: [] }, 0).failed).toBe(1)
  })
})
