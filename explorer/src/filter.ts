// Which statements are asked for, and how many there would be under each other choice.

import type { Coded, OnRecord } from './data'
import type { State } from './state'
import { fold, minutesOf } from './text'

export const FACETS = ['figure', 'topic', 'act', 'relation', 'outlet'] as const
export type Facet = typeof FACETS[number]

export interface Found {
  /** Rows, the latest published first. */
  rows: Uint32Array
  /** For each facet, by code: how many there are with the other filters alone. */
  counts: Record<Facet, Uint32Array>
}

export class Index {
  private order = new Uint32Array(0)
  private asked = ''
  private matched = new Uint8Array(0)
  private matchedRows = 0

  constructor(private readonly record: OnRecord) {}

  column(facet: Facet): Coded {
    const { coded, topic } = this.record
    return facet === 'figure' ? coded.figure_id : facet === 'topic' ? topic : coded[facet]
  }

  find(state: State): Found {
    const { n, topicSet, topicsOf, coded } = this.record
    const order = this.ordered(n)
    const fits = this.within(state, n)
    // For each code whether it misses what is asked: the same few steps for every row and
    // every question, so that the browser compiles them once.
    const asked = (facet: Facet): number => state[facet] ? this.column(facet).find(state[facet]) : -2
    const missing = (facet: Facet): Uint8Array => {
      const code = asked(facet)
      return Uint8Array.from(this.column(facet).values, (_, one) => +(code !== -2 && one !== code))
    }
    const topic = asked('topic')
    const a = missing('figure'), c = missing('act'), d = missing('relation'), e = missing('outlet')
    const b = Uint8Array.from(topicsOf, codes => +(topic !== -2 && !codes.includes(topic)))
    const figures = coded.figure_id.codes, sets = topicSet.codes, acts = coded.act.codes
    const relations = coded.relation.codes, outlets = coded.outlet.codes
    const counts = {} as Found['counts']
    for (const facet of FACETS) counts[facet] = new Uint32Array(this.column(facet).values.length)
    const { figure: ofFigure, act: ofAct, relation: ofRelation, outlet: ofOutlet } = counts
    const ofSet = new Uint32Array(topicsOf.length)
    const rows = new Uint32Array(n)
    let found = 0
    for (let i = 0; i < n; i++) {
      const row = order[i]
      if (!fits[row]) continue
      const figure = figures[row], set = sets[row], act = acts[row], relation = relations[row], outlet = outlets[row]
      const misses = a[figure] + b[set] + c[act] + d[relation] + e[outlet]
      if (misses > 1) continue
      rows[found] = row
      found += 1 - misses
      ofFigure[figure] += 1 - misses + a[figure]
      ofSet[set] += 1 - misses + b[set]
      ofAct[act] += 1 - misses + c[act]
      ofRelation[relation] += 1 - misses + d[relation]
      ofOutlet[outlet] += 1 - misses + e[outlet]
    }
    topicsOf.forEach((codes, set) => { for (const code of codes) counts.topic[code] += ofSet[set] })
    return { rows: rows.subarray(0, found), counts }
  }

  /** 1 for each row that has the words, lies between the days, and is on the topic or may be off it. */
  private within(state: State, n: number): Uint8Array {
    const { published_at: published, about_topic: about } = this.record.number
    const from = state.from ? minutesOf(state.from) : -Infinity
    const to = state.to ? minutesOf(state.to) + 1440 : Infinity
    const least = state.off ? 0 : 1
    const fits = this.text(state.q, n).slice()
    for (let row = 0; row < n; row++) {
      fits[row] &= +(published[row] >= from) & +(published[row] < to) & +(about[row] >= least)
    }
    return fits
  }

  private ordered(n: number): Uint32Array {
    if (this.order.length === n) return this.order
    const { published_at: at } = this.record.number
    const keys = new Float64Array(n)
    for (let row = 0; row < n; row++) keys[row] = (2 ** 31 - at[row]) * 2 ** 21 + row
    keys.sort()
    this.order = Uint32Array.from(keys, key => key % 2 ** 21)
    return this.order
  }

  /** 1 for each row that has every word of the question, in any order; "a b" is one word. */
  private text(q: string, n: number): Uint8Array {
    if (q === this.asked && this.matchedRows === n) return this.matched
    const words = [...fold(q).matchAll(/"([^"]+)"?|([^\s"]+)/g)].map(found => (found[1] ?? found[2]).trim()).filter(Boolean)
    const { text, names, coded } = this.record
    // While a person types, what fits fits what stood there before.
    const further = this.asked && q.startsWith(this.asked) && !q.includes('"') && this.matchedRows === n
    const matched = further ? this.matched.slice() : new Uint8Array(n).fill(1)
    for (const word of words) {
      const found = new Uint8Array(n)
      text.content.mark(word, found, matched)
      text.title.mark(word, found, matched)
      const figures = Uint8Array.from(coded.figure_id.values, id => +fold(names.get(id) ?? '').includes(word))
      const by = coded.figure_id.codes
      for (let row = 0; row < n; row++) matched[row] &= found[row] | figures[by[row]]
    }
    this.asked = q
    this.matched = matched
    this.matchedRows = n
    return matched
  }
}
