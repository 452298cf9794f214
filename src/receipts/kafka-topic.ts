import { type MessageType, messageTypes } from './receipt-types.ts'

/** Which topic an account's receipts of one type go to. */
export type TopicOf = (accountId: string, type: MessageType) => string

/** Of a template such as `axbridge.{account}.{type}`. */
export function createTopicOf(template: string): TopicOf {
  return (accountId, type) => template.replaceAll('{account}', accountId).replaceAll('{type}', type)
}

/** The types of an account that share the topic with this one, which is among them. */
export function typesWith(topicOf: TopicOf, accountId: string, type: MessageType): MessageType[] {
  const topic = topicOf(accountId, type)
  return messageTypes.filter((each) => topicOf(accountId, each) === topic)
}
