/** Opens the SQLite store at the given file and writes until it is killed; says each id once it is acknowledged. For the test that does the killing. */
import { createRuntime, type Log } from '../runtime.ts'
import { createSqliteStores } from '../store/sql/index.ts'
import { messageFixture } from './message-fixture.ts'

const quiet = () => undefined
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const runtime = createRuntime(log)
const stores = await createSqliteStores({ file: process.argv[2] ?? '', log })
process.stdout.write('open\n')

async function write(): Promise<never> {
  for (;;) {
    const id = runtime.id('msg')
    if (await stores.messages.insert(messageFixture({ id }))) process.stdout.write(`${id}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, write))
