// What is seen: rows of statements, claims in time, one statement opened.

import type { OnRecord, Listing } from './data'
import { h } from './dom'
import { write, type State } from './state'
import {
  ACTS, KINDS, LABELS, SENTENCES, clock, count, differences, isoDay, isoMoment, link, longDay, plain, short,
  shortDay, slugWords, type Piece,
} from './text'

export const PAGE = 50
const MOST_IN_LIST = 420
const MOST_OPEN = 20_000

export class View {
  constructor(private readonly record: OnRecord, private readonly listing: Listing) {}

  topicName(slug: string): string { return plain(this.listing.names[slug] ?? slugWords(slug)) }

  // ------------------------------------------------------------------------- statements

  statements(rows: ArrayLike<number>, state: State): DocumentFragment {
    const shown = document.createDocumentFragment()
    let day = '', list: HTMLOListElement | undefined
    for (let i = 0; i < rows.length; i++) {
      const at = this.record.number.published_at[rows[i]]
      if (isoDay(at) !== day) {
        day = isoDay(at)
        list = h('ol', { class: 'rows' })
        shown.append(h('h3', { class: 'day' }, h('time', { datetime: day }, longDay(at))), list)
      }
      list!.append(this.line(rows[i], state))
    }
    return shown
  }

  private line(row: number, state: State): HTMLLIElement {
    const { number, text } = this.record
    const open = text.statement_id.at(row) === state.s
    return h('li', { class: `row ${this.record.value('relation', row)}${open ? ' open' : ''}`, 'data-s': text.statement_id.at(row) },
      h('p', { class: 'kick' }, this.label(row), this.what(row), this.withdrawn(row) && h('b', { class: 'bad' }, ' · withdrawn')),
      h('a', { class: 'say', href: write({ ...state, s: text.statement_id.at(row) }), 'aria-current': open ? 'true' : undefined },
        h('b', {}, h('bdi', {}, this.record.figure(row))), ' ', this.words(row, MOST_IN_LIST)),
      h('p', { class: 'by' }, this.outlet(row), `, ${clock(number.published_at[row])}`,
        number.backlog[row] ? ' · history when first seen' : null))
  }

  private label(row: number): HTMLElement {
    const relation = this.record.value('relation', row)
    return h('span', { class: `rel ${relation}` }, LABELS[relation] ?? relation)
  }

  private what(row: number): string {
    const topics = this.record.topics(row).slice(0, 3).map(one => this.topicName(one))
    const on = this.record.number.about_topic[row] ? [] : ['off the topic']
    return [' · ' + (ACTS[this.record.value('act', row)] ?? 'says'), ...topics, ...on].join(' · ')
  }

  private withdrawn(row: number): boolean {
    return this.record.corrections.get(this.record.text.statement_id.at(row))?.[1] === 'withdrawn'
  }

  private outlet(row: number): HTMLElement {
    const kind = KINDS[this.record.value('outlet_kind', row)]
    return h('span', {}, h('bdi', {}, plain(this.record.value('outlet', row)).slice(0, 80) || 'an unnamed outlet'), kind ? ` (${kind})` : null)
  }

  /** What was said: quoted if it was quoted, else after the reporting words. */
  private words(row: number, most: number, pieces?: Piece[], tag: 'ins' | 'del' = 'ins'): HTMLElement {
    const { text } = this.record
    const direct = this.record.value('voice', row) === 'direct'
    const language = this.record.value('language', row)
    const inside = h('bdi', { lang: language && language !== 'en' && language !== 'und' ? language : undefined })
    for (const piece of pieces ?? [{ text: short(this.bare(row), most), differs: false }]) {
      inside.append(piece.differs ? h(tag, {}, piece.text) : piece.text)
    }
    if (direct) return h('span', { class: 'direct' }, '“', inside, '”')
    const cue = /\w/.test(text.cue.at(row)) ? plain(text.cue.at(row)).slice(0, 40) : ''
    return h('span', { class: 'said' }, cue ? h('i', {}, h('bdi', {}, cue), ': ') : null, inside)
  }

  /** The words without one pair of outer quotation marks, where they are a quotation. */
  private bare(row: number): string {
    const words = plain(this.record.text.content.at(row)).trim()
    if (this.record.value('voice', row) !== 'direct') return words
    const pair = /^(?:“([^“”]*)”|"([^"]*)"|«([^«»]*)»)$/.exec(words)
    return pair ? (pair[1] ?? pair[2] ?? pair[3]).trim() : words
  }

  // ----------------------------------------------------------------------- claims in time

  /** The claims of the rows, by when they were first seen, the latest or earliest first. */
  claimsOf(rows: Uint32Array, old: boolean): string[] {
    const { text, number } = this.record
    const found = new Map<string, number>()
    for (let i = 0; i < rows.length; i++) {
      const claim = text.claim_id.at(rows[i])
      if (!found.has(claim)) found.set(claim, number.published_at[this.record.opener(claim)])
    }
    const sign = old ? 1 : -1
    return [...found.keys()].sort((a, b) => sign * (found.get(a)! - found.get(b)!) || (a < b ? -1 : 1))
  }

  claims(claims: string[], state: State): DocumentFragment {
    const shown = document.createDocumentFragment()
    let day = '', list: HTMLOListElement | undefined
    for (const claim of claims) {
      const row = this.record.opener(claim)
      const at = this.record.number.published_at[row]
      if (isoDay(at) !== day) {
        day = isoDay(at)
        list = h('ol', { class: 'rows rail' })
        shown.append(h('h3', { class: 'day' }, h('time', { datetime: day }, longDay(at))), list)
      }
      list!.append(this.claim(claim, row, state))
    }
    return shown
  }

  private claim(claim: string, row: number, state: State): HTMLLIElement {
    const { number, text } = this.record
    const members = this.record.members(claim)
    const outlets = new Set(members.map(one => this.record.value('outlet', one)))
    const days = new Set(members.map(one => isoDay(number.published_at[one])))
    const last = members[members.length - 1]
    const earlier = this.record.row(text.earlier_statement_id.at(row))
    const moved = ['changed', 'contradicts'].includes(this.record.value('relation', row))
    const [was, now] = earlier !== undefined && moved
      ? differences(short(this.bare(earlier), MOST_IN_LIST), short(this.bare(row), MOST_IN_LIST)) : [undefined, undefined]
    const open = members.some(one => text.statement_id.at(one) === state.s)
    return h('li', { class: `row ${this.record.value('relation', row)}${open ? ' open' : ''}`, 'data-s': text.statement_id.at(row) },
      h('p', { class: 'kick' }, this.label(row), this.what(row)),
      h('a', { class: 'say', href: write({ ...state, s: text.statement_id.at(row) }), 'aria-current': open ? 'true' : undefined },
        h('b', {}, h('bdi', {}, this.record.figure(row))), ' ', this.words(row, MOST_IN_LIST, now)),
      was && h('p', { class: 'was' }, h('span', { class: 'soft' }, `${shortDay(number.published_at[earlier!])}: `),
        this.words(earlier!, MOST_IN_LIST, was, 'del')),
      h('p', { class: 'by' }, `${count(members.length, 'report')} from ${count(outlets.size, 'outlet')}`,
        days.size > 1 ? `, on ${days.size} days, the last ${shortDay(number.published_at[last])}` : null,
        ' · first ', this.outlet(row), `, ${clock(number.published_at[row])}`))
  }

  // ------------------------------------------------------------------------ one statement

  /** Context, reasons and facts come with a second call, once the record has opened the row. */
  detail(row: number, state: State): DocumentFragment {
    const { number, text } = this.record
    const shown = document.createDocumentFragment()
    const relation = this.record.value('relation', row)
    const open = this.record.isOpen(row)
    const url = open ? link(text.url.at(row)) : ''
    const title = plain(text.title.at(row)).slice(0, 300) || 'untitled article'
    const correction = this.record.corrections.get(text.statement_id.at(row))
    const instead = correction && this.record.row(correction[2] ?? '')
    shown.append(
      h('p', { class: 'kick' }, this.label(row), this.what(row)),
      h('h2', { id: 'said', tabindex: '-1' }, h('bdi', {}, this.record.figure(row))),
      h('blockquote', { class: 'quote' }, this.words(row, MOST_OPEN)),
      h('p', { class: 'source' }, this.outlet(row), ': ',
        url ? h('a', { href: url, rel: 'noopener noreferrer external' }, h('bdi', {}, title)) : h('span', {}, h('bdi', {}, title), open ? ' (no usable link)' : null),
        `, ${shortDay(number.published_at[row])}, ${clock(number.published_at[row])}`))
    if (correction) {
      shown.append(h('p', { class: 'note' }, h('b', {}, correction[1] === 'withdrawn' ? 'Withdrawn. ' : correction[1] === 'changed' ? 'Edited. ' : 'Corrected. '),
        `The outlet edited the article; seen on ${shortDay(correction[3])}.`,
        instead !== undefined ? h('span', {}, ' In its place: ', this.open(instead, state, short(this.bare(instead), 120))) : null))
    }
    shown.append(h('p', { class: 'why' }, h('b', {}, LABELS[relation] ?? relation), `: ${SENTENCES[relation] ?? ''}`,
      open && relation !== 'new' && text.reasons.at(row) ? h('span', {}, ' (', h('bdi', {}, plain(text.reasons.at(row)).replace(/->/g, '→').slice(0, 400)), ')') : null, '.'))
    const context = open && this.context(row)
    if (context) shown.append(h('h3', {}, 'Context'), h('p', { class: 'context' }, '… ', context, ' …'))
    shown.append(...this.versions(row, state))
    if (!open) return shown
    const notes = [
      this.record.value('voice', row) === 'direct' ? 'direct quotation' : `${this.record.value('voice', row)} quotation: the outlet’s words`,
      !Number.isNaN(number.said_on[row]) ? `words of ${shortDay(number.said_on[row])}` : number.is_old[row] ? 'older words, says the article' : '',
      text.nested.at(row) ? `citing ${plain(text.nested.at(row)).slice(0, 80)}` : '', number.in_title[row] ? 'in the headline' : '',
      number.backlog[row] ? 'history when first seen' : '',
      this.record.value('act', row) === 'attitude' ? 'an attitude reported, not words spoken' : '',
    ].filter(Boolean)
    const day = isoDay(number.first_seen_at[row])
    const digest = this.listing.digests.includes(day)
      ? h('a', { href: `../${day}.html#c-${encodeURIComponent(text.claim_id.at(row))}` }, `the page of ${shortDay(number.first_seen_at[row])}`) : null
    const fact = (name: string, ...value: (Node | string | null)[]): HTMLElement[] => [h('dt', {}, name), h('dd', {}, ...value)]
    shown.append(h('h3', {}, 'On record'), h('dl', { class: 'facts' },
      ...fact('How', notes.join(' · ')),
      ...fact('First seen', h('time', { datetime: isoMoment(number.first_seen_at[row]) }, `${shortDay(number.first_seen_at[row])}, ${clock(number.first_seen_at[row])}`), digest ? '; ' : null, digest),
      ...fact('Confidence', `words and speaker ${number.confidence[row].toFixed(2)}, relation ${number.score[row].toFixed(2)}`),
      ...fact('Statement', h('code', {}, text.statement_id.at(row))),
      ...fact('Claim', h('code', {}, text.claim_id.at(row))),
      ...fact('Article', h('code', {}, text.article_id.at(row)), `, revision ${number.revision[row]}`),
      ...fact('Proof', h('code', {}, `onrecord verify --date ${day}`))))
    return shown
  }

  private context(row: number): HTMLElement | null {
    const held = this.record.text.context.at(row)
    if (!held.replace(/[\x1a\s]/g, '')) return null
    const spans = this.record.text.content.at(row).split(' … ')
    const shown = h('bdi', {})
    held.split('\x1a').forEach((part, n) => {
      if (n) shown.append(h('mark', {}, short(plain(spans[n - 1] ?? ''), 2000)))
      shown.append(short(plain(part), 2000))
    })
    return shown
  }

  private open(row: number, state: State, ...inside: (Node | string)[]): HTMLElement {
    return h('a', { href: write({ ...state, s: this.record.text.statement_id.at(row) }) }, ...inside)
  }

  /** Earlier claims, this claim's statements, later claims: a line each, in time. */
  private versions(row: number, state: State): Node[] {
    const claim = this.record.text.claim_id.at(row)
    const before = this.record.before(claim), after = this.record.after(claim)
    const members = this.record.members(claim)
    const compared = this.record.row(this.record.text.earlier_statement_id.at(row))
    const lines: HTMLElement[] = []
    const known = this.record.text.earlier_claim_id.at(row)
    if (known && known !== claim && !this.record.has(known)) {
      lines.push(h('li', { class: 'soft' }, 'An earlier claim is not among the published days: ', h('code', {}, known)))
    }
    const version = (one: number, previous: number | undefined, kind: string): HTMLElement => {
      const text = short(this.bare(one), 300)
      const relation = this.record.value('relation', one)
      const marked = previous !== undefined && ['changed', 'contradicts'].includes(relation)
        ? differences(short(this.bare(previous), 300), text)[1] : undefined
      const here = one === row
      const said = h('span', {}, this.label(one), ' ', this.words(one, 300, marked))
      return h('li', { class: `${relation} ${kind}${here ? ' here' : ''}`, 'aria-current': here ? 'true' : undefined },
        h('span', { class: 'when' }, `${shortDay(this.record.number.published_at[one])}`, h('small', {}, this.outlet(one))),
        here ? h('span', {}, h('b', { class: 'vh' }, 'This statement: '), said) : this.open(one, state, said))
    }
    let previous: number | undefined
    for (const one of before) {
      const opener = this.record.opener(one)
      lines.push(version(opener, previous, 'earlier'))
      previous = opener
    }
    const most = 40
    const near = Math.max(0, members.indexOf(row) - most / 2)
    const shown = members.slice(near, near + most)
    const opener = this.record.opener(claim)
    for (const one of shown) lines.push(version(one, one === opener || one === row ? compared !== undefined && one === row ? compared : previous : undefined, 'same'))
    if (members.length > shown.length) lines.push(h('li', { class: 'soft' }, `and ${members.length - shown.length} more reports of it`))
    for (const one of after) {
      const next = this.record.opener(one)
      const from = this.record.row(this.record.text.earlier_statement_id.at(next))
      lines.push(version(next, from, 'later'))
    }
    const outlets = new Set(members.map(one => this.record.value('outlet', one)))
    const told = [`${count(members.length, 'report')} from ${count(outlets.size, 'outlet')}`]
    if (before.length) told.push(`${count(before.length, 'earlier version')}`)
    if (after.length) told.push(`${count(after.length, 'later version')}`)
    return [h('h3', {}, 'The claim over time'), h('p', { class: 'soft' }, told.join(', '), '.'), h('ol', { class: 'versions' }, ...lines)]
  }
}
