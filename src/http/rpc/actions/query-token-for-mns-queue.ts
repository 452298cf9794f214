import { Type } from 'typebox'
import { beijingTime } from '../../../platform/beijing-time.ts'
import { defineAction } from '../action.ts'

/** A key for a while with which one queue can be read (product-semantics 4.11). */
export const queryTokenForMnsQueue = defineAction({
  name: 'QueryTokenForMnsQueue',
  scope: 'reveal',
  perSecondMax: 100,
  schema: Type.Object({
    MessageType: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'a type of receipt, such as SecretReport.',
    }),
    QueueName: Type.Optional(
      Type.String({ minLength: 1, maxLength: 120, description: 'the name of a queue.' }),
    ),
  }),
  async run(asked, context) {
    const token = await context.rooms.queueTokens.issue({
      accountId: context.accountId,
      accessKeyId: context.accessKeyId,
      messageType: asked.MessageType,
      queue: asked.QueueName,
    })
    return {
      MessageTokenDTO: {
        AccessKeyId: token.keyId,
        AccessKeySecret: token.secret,
        SecurityToken: token.securityToken,
        CreateTime: beijingTime(token.createdAt),
        ExpireTime: beijingTime(token.expiresAt),
      },
    }
  },
})
