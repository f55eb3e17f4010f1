import { readFileSync } from 'node:fs'
import { z } from 'zod'

const reported = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
})

/** Suites that need a server, by name: on the examiner's machine the server is there, so none of them may be skipped. */
const mustRun = /redis|postgres|mongo/i

export interface Tally {
  passed: number
  failed: number
  /** What counts as failed though no test says so. */
  complaints: string[]
}

/** Counts a report of Vitest (JSON reporter). `exitCode`: how `npm test` ended. Anything that did not go as it should counts as failed. */
export function tally(report: unknown, exitCode: number): Tally {
  const { success, testResults } = reported.parse(report)
  const complaints: string[] = []
  let passed = 0
  let failed = 0
  for (const { name, status, assertionResults } of testResults) {
    const before = failed
    for (const test of assertionResults) {
      if (test.status === 'passed') passed++
      else if (test.status === 'failed') failed++
      else if (mustRun.test(test.fullName) || mustRun.test(name)) complaints.push(`skipped, but must run: ${name} > ${test.fullName}`)
    }
    if (status === 'failed' && failed === before) complaints.push(`failed as a whole: ${name}`)
  }
  if (passed === 0) complaints.push('no test passed')
  if ((!success || exitCode !== 0) && failed + complaints.length === 0) complaints.push(`npm test ended with ${exitCode}, though no test failed`)
  return { passed, failed: failed + complaints.length, complaints }
}

if (import.meta.main) {
  const [, , path = '', code = '1'] = process.argv
  const { passed, failed, complaints } = tally(JSON.parse(readFileSync(path, 'utf8')), Number(code))
  for (const line of complaints) process.stdout.write(`${line}\n`)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}
