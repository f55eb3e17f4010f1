import { defineConfig } from 'vitest/config'
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/** Names what was skipped, so that nobody mistakes a suite that did not run for one that passed. The name of a skipped suite says why. */
const skippedByName: Reporter = {
  onTestRunEnd(modules) {
    const lines: string[] = []
    const look = (node: TestModule | TestSuite | TestCase): void => {
      if (node.type === 'test') {
        if (node.result().state === 'skipped') lines.push(`${node.module.relativeModuleId} > ${node.fullName}`)
        return
      }
      const tests = [...node.children.allTests()]
      if (node.type === 'suite' && tests.length > 0 && tests.every((test) => test.result().state === 'skipped')) {
        lines.push(`${node.module.relativeModuleId} > ${node.fullName} (${tests.length} tests)`)
        return
      }
      for (const child of node.children) look(child)
    }
    for (const module of modules) look(module)
    if (lines.length > 0) process.stdout.write(`\nSkipped:\n${lines.map((line) => `  ${line}\n`).join('')}`)
  },
}

const report = process.env.TEST_REPORT

export default defineConfig({
  test: {
    // Measured on two cores: forks are as fast as threads here, and a suite that exhausts or ends its process takes no other down.
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: [skippedByName, 'default', ...(report ? [['json', { outputFile: report }] as [string, { outputFile: string }]] : [])],
    projects: [
      { extends: true, test: { name: 'core', include: ['core/src/**/*.test.ts'] } },
      { extends: true, test: { name: 'gateway', include: ['gateway/src/**/*.test.ts'] } },
      { extends: true, test: { name: 'plugins', include: ['plugins/*/src/**/*.test.ts'] } },
      { extends: true, test: { name: 'test', include: ['test/**/*.test.ts'] } },
    ],
  },
})
