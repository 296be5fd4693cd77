// Statements over time: bars by day, week, month or year, those that open a claim darker.

import type { OnRecord } from './data'
import { svg } from './dom'
import { count, grouped, minutesOf, shortDay, shortMonth } from './text'

const DAY = 1440
const HEIGHT = 64

interface Bin { from: number, n: number, fresh: number }
export interface Bins { unit: string, bins: Bin[], older: number, from: number }

const UNITS: [name: string, most: number][] = [['day', 62], ['week', 62 * 7], ['month', 62 * 31], ['year', Infinity]]
const start = (at: number, unit: string): number => {
  const day = new Date(at * 60000)
  if (unit === 'day') return Math.floor(at / DAY) * DAY
  if (unit === 'week') return Math.floor((at - 4 * DAY) / (7 * DAY)) * 7 * DAY + 4 * DAY // 1970-01-05 was a Monday
  return Date.UTC(day.getUTCFullYear(), unit === 'month' ? day.getUTCMonth() : 0) / 60000
}
const following = (at: number, unit: string): number => {
  if (unit === 'day') return at + DAY
  if (unit === 'week') return at + 7 * DAY
  const day = new Date(at * 60000)
  return (unit === 'month' ? Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1) : Date.UTC(day.getUTCFullYear() + 1, 0)) / 60000
}

/** Without a first day asked for, history that was old when first seen is only counted. */
export function binned(record: OnRecord, rows: Uint32Array, from: string): Bins {
  const { published_at: published, backlog } = record.number
  let low = Infinity, high = -Infinity
  for (let i = 0; i < rows.length; i++) {
    if (!from && backlog[rows[i]]) continue
    const at = published[rows[i]]
    if (at < low) low = at
    if (at > high) high = at
  }
  if (from) low = Math.min(low, minutesOf(from))
  if (low > high) return { unit: 'day', bins: [], older: rows.length, from: 0 }
  const unit = UNITS.find(([, most]) => (high - low) / DAY < most)![0]
  const bins: Bin[] = []
  for (let at = start(low, unit); at <= high; at = following(at, unit)) bins.push({ from: at, n: 0, fresh: 0 })
  const relation = record.coded.relation
  const opens = relation.values.map(one => one !== 'repeated' && one !== 'rereported')
  let older = 0
  const first = bins[0].from
  let nth = 0 // rows are in order of time, so the next one is in this bin or beside it
  for (let i = 0; i < rows.length; i++) {
    const at = published[rows[i]]
    if (at < first) { older++; continue }
    while (nth + 1 < bins.length && at >= bins[nth + 1].from) nth++
    while (at < bins[nth].from) nth--
    bins[nth].n++
    if (opens[relation.codes[rows[i]]]) bins[nth].fresh++
  }
  return { unit, bins, older, from: first }
}

export function bars({ unit, bins }: Bins): SVGElement {
  const top = Math.max(1, ...bins.map(bin => bin.n))
  const step = 10, width = bins.length * step
  const tall = (n: number): number => n ? Math.max(1.5, (HEIGHT - 2) * n / top) : 0
  let all = '', fresh = ''
  bins.forEach((bin, i) => {
    const x = i * step + 1, w = step - 2
    if (bin.n) all += `M${x} ${HEIGHT}v-${tall(bin.n).toFixed(1)}h${w}V${HEIGHT}z`
    if (bin.fresh) fresh += `M${x} ${HEIGHT}v-${tall(bin.fresh).toFixed(1)}h${w}V${HEIGHT}z`
  })
  const most = bins.reduce((a, b) => b.n > a.n ? b : a)
  const label = `Statements by ${unit} of publication, ${shortDay(bins[0].from)} to ${shortDay(bins[bins.length - 1].from)}; the most, ${grouped(top)}, ${unit === 'day' ? 'on' : `in the ${unit} of`} ${shortDay(most.from)}`
  const drawing = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('path', { class: 'b', d: all || 'M0 0' }), svg('path', { class: 'f', d: fresh || 'M0 0' }))
  bins.forEach((bin, i) => {
    const when = unit === 'month' ? shortMonth(bin.from) : unit === 'year' ? shortDay(bin.from).slice(-4) : shortDay(bin.from)
    const hit = svg('rect', { x: String(i * step), y: '0', width: String(step), height: String(HEIGHT), class: 'hit', 'data-n': String(i) },
      svg('title', {}, `${unit === 'week' ? 'Week of ' : ''}${when}: ${count(bin.n, 'statement')}, ${bin.fresh} opening a claim`))
    drawing.append(hit)
  })
  return drawing
}

/** The last day of a bin. */
export const lastDay = (bin: number, unit: string): number => following(bin, unit) - DAY
