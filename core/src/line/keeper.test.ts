import { describe, expect, it, vi } from 'vitest'
import { lineFixture } from '../testing/line-fixture.ts'
import { createRecordsRig } from '../testing/records-rig.ts'
import { createKeeper } from './keeper.ts'

describe('what real calls say of a line', () => {
  it.each([
    ['bluebubbles', 1],
    ['sandbox', 0],
  ])('three failures in a row on %s: %i observation', async (type, times) => {
    const rig = await createRecordsRig()
    const observe = vi.fn(async () => null)
    const { lines } = rig.opened
    const keeper = createKeeper({ lines, runtime: rig.parts.runtime, observe, checkup: () => Promise.reject(new Error('not asked')) })
    const line = lineFixture({ transport: { type, settings: {}, sealed: {} } })
    for (let i = 0; i < 3; i++) await keeper.outcome(line, 'down')
    expect(observe).toHaveBeenCalledTimes(times)
    await rig.close()
  })
})
