// The statements that are shown, as a table for a spreadsheet.

import type { OnRecord } from './data'
import { isoMoment } from './text'

/** A cell: quoted where it must be; a leading = + - @ cannot become a formula. */
const cell = (value: string): string => {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe
}

export function csv(record: OnRecord, rows: ArrayLike<number>): string {
  const { text, number } = record
  const moment = (value: number): string => Number.isNaN(value) ? '' : isoMoment(value)
  const columns: [string, (row: number) => string][] = [
    ['statement_id', row => text.statement_id.at(row)],
    ['claim_id', row => text.claim_id.at(row)],
    ['figure_id', row => record.value('figure_id', row)],
    ['figure', row => record.figure(row)],
    ['content', row => text.content.at(row)],
    ['voice', row => record.value('voice', row)],
    ['act', row => record.value('act', row)],
    ['cue', row => text.cue.at(row)],
    ['relation', row => record.value('relation', row)],
    ['reasons', row => text.reasons.at(row)],
    ['earlier_statement_id', row => text.earlier_statement_id.at(row)],
    ['subtopics', row => record.topics(row).join('; ')],
    ['about_topic', row => number.about_topic[row] ? 'true' : 'false'],
    ['outlet', row => record.value('outlet', row)],
    ['outlet_kind', row => record.value('outlet_kind', row)],
    ['language', row => record.value('language', row)],
    ['title', row => text.title.at(row)],
    ['url', row => text.url.at(row)],
    ['published_at', row => moment(number.published_at[row])],
    ['first_seen_at', row => moment(number.first_seen_at[row])],
    ['said_on', row => moment(number.said_on[row])],
    ['confidence', row => number.confidence[row].toFixed(3)],
    ['article_id', row => text.article_id.at(row)],
    ['revision', row => String(number.revision[row])],
  ]
  const lines = [columns.map(([name]) => name).join(',')]
  for (let i = 0; i < rows.length; i++) lines.push(columns.map(([, of]) => cell(of(rows[i]))).join(','))
  return `\ufeff${lines.join('\r\n')}\r\n`
}
