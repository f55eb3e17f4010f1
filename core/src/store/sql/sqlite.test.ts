import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Log } from '../../runtime.ts'
import { messageFixture } from '../../testing/message-fixture.ts'
import { storeSuite } from '../../testing/store-suite.ts'
import { createSqliteStores } from './index.ts'

const quiet = () => undefined
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const newDirectory = () => mkdtempSync(join(tmpdir(), 'trunkline-sqlite-'))

storeSuite('SQLite', async () => {
  const directory = newDirectory()
  const stores = await createSqliteStores({ file: join(directory, 'hub.db'), log })
  return {
    stores,
    async close() {
      await stores.close()
      rmSync(directory, { recursive: true })
    },
  }
})

describe('SQLite data directory', () => {
  const directories: string[] = []
  const fresh = (): string => {
    const directory = newDirectory()
    directories.push(directory)
    return directory
  }
  afterEach(() => {
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
  })

  /** A process of its own that opens the store, says `open`, inserts without end and says the id of each message that was acknowledged. */
  function writer(directory: string): { said: () => string; opened: Promise<void>; wrote: Promise<void>; kill(): Promise<void> } {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../testing/store-writer.ts'), join(directory, 'hub.db')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    const opened = Promise.withResolvers<void>()
    const wrote = Promise.withResolvers<void>()
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('open\n')) opened.resolve()
      if (said.split('\n').length > 300) wrote.resolve()
    })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    return {
      said: () => said,
      opened: opened.promise,
      wrote: wrote.promise,
      kill: () => {
        child.kill('SIGKILL')
        return ended
      },
    }
  }

  it('refuses a second opening, names the directory, and opens again after the first has closed', async () => {
    const directory = fresh()
    const file = join(directory, 'hub.db')
    const first = await createSqliteStores({ file, log })
    await expect(createSqliteStores({ file, log })).rejects.toThrow(directory)
    await first.close()
    await (await createSqliteStores({ file, log })).close()
  })

  it('refuses while another process has it, and is no obstacle after kill -9; all that was acknowledged is there', async () => {
    const directory = fresh()
    const other = writer(directory)
    await other.opened
    await expect(createSqliteStores({ file: join(directory, 'hub.db'), log })).rejects.toThrow(/in use by another Trunkline process.*DATA_DIR/)
    await other.wrote
    await other.kill()
    const acknowledged = other
      .said()
      .split('\n')
      .filter((line) => line.startsWith('msg_') && line.length === 30)
    expect(acknowledged.length).toBeGreaterThan(200)
    const stores = await createSqliteStores({ file: join(directory, 'hub.db'), log })
    const found = await Promise.all(acknowledged.map((id) => stores.messages.get('ws_1', id)))
    await stores.close()
    expect(found.filter((one) => one === null)).toEqual([])
  })

  it('keeps what was written when it is opened again, and waits for what is being written when it is closed', async () => {
    const file = join(fresh(), 'hub.db')
    const first = await createSqliteStores({ file, log })
    const writing = Promise.all(Array.from({ length: 300 }, (_, n) => first.messages.insert(messageFixture({ id: `msg_${n}` }))))
    await first.close()
    expect((await writing).every(Boolean)).toBe(true)
    const second = await createSqliteStores({ file, log })
    expect(await second.messages.get('ws_1', 'msg_299')).toEqual(messageFixture({ id: 'msg_299' }))
    await second.close()
  })

  it('fails the one document of a batch that the database refuses, and not its neighbours', async () => {
    const stores = await createSqliteStores({ file: join(fresh(), 'hub.db'), log })
    const outcomes = await Promise.allSettled(
      ['msg_1', 'msg_2', 'msg_3'].map((id, n) =>
        stores.messages.insert(messageFixture({ id, ...(n === 1 ? { createdAt: new Date(Number.NaN) } : {}) })),
      ),
    )
    expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await Promise.all(['msg_1', 'msg_2', 'msg_3'].map(async (id) => (await stores.messages.get('ws_1', id))?.id))).toEqual([
      'msg_1',
      undefined,
      'msg_3',
    ])
    await stores.close()
  })
})
