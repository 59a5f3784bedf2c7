/** Works on the items, `most` at once; results in the order of the items. */
export async function inParallel<Item, Result> (items: readonly Item[], most: number, work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, async () => {
    for (const [at, item] of queue) results[at] = await work(item)
  }))
  return results
}
