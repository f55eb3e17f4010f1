import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stores } from '../store/stores.ts'
import { availabilityCases, dncCases } from './store-suite/consent.ts'
import { deliveryCases } from './store-suite/deliveries.ts'
import { leadCases } from './store-suite/leads.ts'
import { lineCases, webhookCases } from './store-suite/lines.ts'
import { messageReadCases } from './store-suite/message-reads.ts'
import { messageCases } from './store-suite/messages.ts'
import { replyCases } from './store-suite/replies.ts'
import { auditCases, idempotencyCases, jobCases, keyCases, workspaceCases } from './store-suite/workspaces.ts'

/** The examination of a store: every adapter passes the same. `open` gives an empty one; `close` lets go of it for good. */
export function storeSuite(name: string, open: () => Promise<{ stores: Stores; close(): Promise<void> }>): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<typeof open>> | undefined
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(async () => {
      await opened?.close()
    })
    const stores = (): Stores => {
      if (!opened) throw new Error('the store is not open')
      return opened.stores
    }

    messageCases(stores)
    messageReadCases(stores)
    lineCases(stores)
    webhookCases(stores)
    leadCases(stores)
    dncCases(stores)
    availabilityCases(stores)
    replyCases(stores)
    deliveryCases(stores)
    workspaceCases(stores)
    keyCases(stores)
    auditCases(stores)
    jobCases(stores)
    idempotencyCases(stores)

    it('answers a ping', async () => {
      await expect(stores().ping()).resolves.toBeUndefined()
    })
  })
}
