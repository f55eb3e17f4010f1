import { startFakeBlueBubbles } from '@trunkline/core/testing/fakes'
import { obey } from './child.ts'

// As a program of the benchmark: a vendor over HTTP that posts "sent" and "delivered" to the line's hook right after it answered.

const fake = await startFakeBlueBubbles({ script: { privateApi: true, helperConnected: true } })
const commands = {
  address: () => ({ url: fake.url, password: fake.password }),
  hook(url: string) {
    fake.script({ hookUrls: [url] })
  },
  /** The truth about sends: how many it made, and to how many messages more than once. */
  ledger: () => ({ sends: fake.ledger.length, violations: fake.violations.length }),
}
export type VendorCommands = typeof commands

obey(commands)
