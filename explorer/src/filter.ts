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
    const { n, number, topicSet, topicsOf, coded } = this.record
    const order = this.ordered(n)
    const text = this.text(state.q, n)
    const from = state.from ? minutesOf(state.from) : -Infinity
    const to = state.to ? minutesOf(state.to) + 1440 : Infinity
    const wanted = FACETS.map(facet => state[facet] ? this.column(facet).find(state[facet]) : -2)
    const [figure, topic, act, relation, outlet] = wanted
    const inTopic = topicsOf.map(codes => topic === -2 || codes.includes(topic))
    const counts = {} as Found['counts']
    for (const facet of FACETS) counts[facet] = new Uint32Array(this.column(facet).values.length)
    const figures = coded.figure_id.codes, acts = coded.act.codes
    const relations = coded.relation.codes, outlets = coded.outlet.codes
    const rows = new Uint32Array(n)
    let found = 0
    for (let i = 0; i < n; i++) {
      const row = order[i]
      if (!text[row]) continue
      const at = number.published_at[row]
      if (at < from || at >= to || (!state.off && !number.about_topic[row])) continue
      const set = topicSet.codes[row]
      const a = figure !== -2 && figures[row] !== figure
      const b = !inTopic[set]
      const c = act !== -2 && acts[row] !== act
      const d = relation !== -2 && relations[row] !== relation
      const e = outlet !== -2 && outlets[row] !== outlet
      const misses = +a + +b + +c + +d + +e
      if (misses > 1) continue
      if (!misses) rows[found++] = row
      if (!misses || a) counts.figure[figures[row]]++
      if (!misses || b) for (const code of topicsOf[set]) counts.topic[code]++
      if (!misses || c) counts.act[acts[row]]++
      if (!misses || d) counts.relation[relations[row]]++
      if (!misses || e) counts.outlet[outlets[row]]++
    }
    return { rows: rows.subarray(0, found), counts }
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
    const { folded } = this.record
    const matched = new Uint8Array(n)
    for (let row = 0; row < n; row++) {
      let all = 1
      for (let w = 0; w < words.length; w++) {
        if (!folded[row].includes(words[w])) { all = 0; break }
      }
      matched[row] = all
    }
    this.asked = q
    this.matched = matched
    this.matchedRows = n
    return matched
  }
}
