import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Log } from '../../runtime.ts'
import { messageFixture } from '../../testing/message-fixture.ts'
import { borrowPostgres, findPostgres, type PostgresServer, startPostgres } from '../../testing/servers/postgres.ts'
import { storeSuite } from '../../testing/store-suite.ts'
import { createPostgresStores } from './index.ts'

const quiet = () => undefined
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const given = process.env.POSTGRES_TEST_URL
const bin = findPostgres()
const isThere = given !== undefined || bin !== null

describe.skipIf(!isThere)(isThere ? 'with a server' : 'skipped; runs with POSTGRES_TEST_URL set, or with initdb and postgres installed', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = given !== undefined ? borrowPostgres(given) : await startPostgres({ bin: bin ?? '' })
  })
  afterAll(() => server.stop())

  storeSuite('PostgreSQL', async () => {
    const stores = await createPostgresStores({ url: await server.database('store_suite'), log })
    return { stores, close: () => stores.close() }
  })

  describe('PostgreSQL, several processes', () => {
    it('is migrated by one of many that start at once, and found done by the next', async () => {
      const url = await server.database('several')
      const all = await Promise.all(Array.from({ length: 6 }, () => createPostgresStores({ url, log, connectionsMax: 2 })))
      const doc = messageFixture({})
      const inserted = await Promise.all(all.map((stores) => stores.messages.insert(doc)))
      expect(inserted.filter(Boolean)).toHaveLength(1)
      const committed = await Promise.all(all.map((stores) => stores.messages.commit(doc)))
      expect(committed.filter(Boolean)).toHaveLength(1)
      await Promise.all(all.map((stores) => stores.close()))
      const again = await createPostgresStores({ url, log })
      expect((await again.messages.get('ws_1', doc.id))?.version).toBe(2)
      await again.close()
    })

    it('fails the one document of a batch that the database refuses, and not its neighbours', async () => {
      const stores = await createPostgresStores({ url: await server.database('refused'), log })
      const outcomes = await Promise.allSettled(
        ['msg_1', 'msg_2', 'msg_3'].map((id, n) =>
          stores.messages.insert(messageFixture({ id, ...(n === 1 ? { createdAt: new Date(Number.NaN) } : {}) })),
        ),
      )
      expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      await stores.close()
    })

    it('answers nothing once it is closed, and tells every call so', async () => {
      const stores = await createPostgresStores({ url: await server.database('away'), log })
      await stores.close()
      await expect(stores.ping()).rejects.toThrow()
      const outcomes = await Promise.allSettled([stores.messages.get('ws_1', 'a'), stores.messages.get('ws_1', 'b')])
      expect(outcomes.every((one) => one.status === 'rejected')).toBe(true)
    })
  })
})
