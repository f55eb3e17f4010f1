import { describe, expect, it } from 'vitest'
import { createCoalescer } from './coalescer.ts'

function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

const double = (items: readonly number[]) => Promise.resolve(items.map((n) => n * 2))
const limits = { batchMax: 200, inFlightMax: 1 }

describe('createCoalescer', () => {
  it('answers every call of one turn from one run, each with its own answer', async () => {
    const sizes: number[] = []
    const call = createCoalescer<number, number>({
      ...limits,
      run: async (items) => {
        sizes.push(items.length)
        return double(items)
      },
    })
    expect(await Promise.all([call(1), call(2), call(3)])).toEqual([2, 4, 6])
    expect(sizes).toEqual([3])
  })

  it('never lets a call join a batch that has started', async () => {
    const batches: number[][] = []
    const { opened, open } = gate()
    const started = gate()
    const call = createCoalescer<number, number>({
      ...limits,
      run: async (items) => {
        batches.push([...items])
        started.open()
        await opened
        return items.map((n) => n * 2)
      },
    })
    const first = call(1)
    await started.opened
    const later = [call(2), call(3)]
    open()
    expect(await Promise.all([first, ...later])).toEqual([2, 4, 6])
    expect(batches).toEqual([[1], [2, 3]])
  })

  it('keeps calls with a key in common apart, in their order, and lets others pass', async () => {
    const batches: string[][] = []
    const call = createCoalescer<string, string>({
      batchMax: 10,
      inFlightMax: 4,
      keysOf: (item) => [...item.slice(0, -1)],
      run: async (items) => {
        batches.push([...items])
        return items
      },
    })
    await Promise.all(['a1', 'ab2', 'b3', 'c4'].map(call))
    expect(batches).toEqual([['a1', 'c4'], ['ab2'], ['b3']])
  })

  it('runs the members one by one when one of them spoils the batch', async () => {
    const call = createCoalescer<number, number>({
      ...limits,
      splits: () => true,
      run: async (items) => {
        if (items.includes(13)) throw new Error('unlucky')
        return items.map((n) => n * 2)
      },
    })
    const outcomes = await Promise.allSettled([call(1), call(13), call(3)])
    expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([2, 'Error: unlucky', 6])
  })

  it('fails all members at once when the fault is not one member’s', async () => {
    let runs = 0
    const call = createCoalescer<number, number>({
      ...limits,
      splits: () => false,
      run: () => {
        runs++
        return Promise.reject(new Error('away'))
      },
    })
    const outcomes = await Promise.allSettled([call(1), call(2)])
    expect(outcomes.every((one) => one.status === 'rejected')).toBe(true)
    expect(runs).toBe(1)
  })

  it('keeps to the size of a batch, and lets a larger item go alone', async () => {
    const batches: number[][] = []
    const call = createCoalescer<number, number>({
      batchMax: 5,
      inFlightMax: 1,
      sizeOf: (n) => n,
      run: async (items) => {
        batches.push([...items])
        return double(items)
      },
    })
    await Promise.all([9, 3, 2, 1].map(call))
    expect(batches).toEqual([[9], [3, 2], [1]])
  })

  it('is idle only when what waits has run too', async () => {
    const { opened, open } = gate()
    const done: number[] = []
    const call = createCoalescer<number, number>({
      ...limits,
      keysOf: () => ['same'],
      run: async (items) => {
        await opened
        done.push(...items)
        return items
      },
    })
    const calls = [call(1), call(2)]
    const idle = call.idle().then(() => [...done])
    open()
    expect(await idle).toEqual([1, 2])
    await Promise.all(calls)
    await call.idle()
  })
})
