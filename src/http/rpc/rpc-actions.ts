import type { RpcAction } from './action.ts'
import { addAxnTrackNo } from './actions/add-axn-track-no.ts'
import { addSecretBlacklist } from './actions/add-secret-blacklist.ts'
import { bindAxb } from './actions/bind-axb.ts'
import { bindAxg } from './actions/bind-axg.ts'
import { bindAxn } from './actions/bind-axn.ts'
import { bindAxnExtension } from './actions/bind-axn-extension.ts'
import { bindBatchAxg } from './actions/bind-batch-axg.ts'
import { buySecretNo } from './actions/buy-secret-no.ts'
import { confirmSendSms } from './actions/confirm-send-sms.ts'
import { createAxgGroup } from './actions/create-axg-group.ts'
import { deleteAxgGroup } from './actions/delete-axg-group.ts'
import { deleteSecretBlacklist } from './actions/delete-secret-blacklist.ts'
import { getSecretAsrDetail } from './actions/get-secret-asr-detail.ts'
import { getSubscriptionDetail } from './actions/get-subscription-detail.ts'
import { getTotalPublicUrl } from './actions/get-total-public-url.ts'
import { lockSecretNo } from './actions/lock-secret-no.ts'
import { operateAxgGroup } from './actions/operate-axg-group.ts'
import { operateBlackNo } from './actions/operate-black-no.ts'
import { queryCallStatus } from './actions/query-call-status.ts'
import { queryPhoneNoAByTrackNo } from './actions/query-phone-no-a-by-track-no.ts'
import { queryRecordFileDownloadUrl } from './actions/query-record-file-download-url.ts'
import { querySecretNoDetail } from './actions/query-secret-no-detail.ts'
import { querySecretNoRemain } from './actions/query-secret-no-remain.ts'
import { querySubsId } from './actions/query-subs-id.ts'
import { querySubscriptionDetail } from './actions/query-subscription-detail.ts'
import { queryTokenForMnsQueue } from './actions/query-token-for-mns-queue.ts'
import { releaseSecretNo } from './actions/release-secret-no.ts'
import { unbindSubscription } from './actions/unbind-subscription.ts'
import { unlockSecretNo } from './actions/unlock-secret-no.ts'
import { updateSubscription } from './actions/update-subscription.ts'

/** The vendor's actions that are offered (product-semantics 3). */
export const rpcActions: readonly RpcAction[] = [
  addAxnTrackNo,
  addSecretBlacklist,
  bindAxb,
  bindAxg,
  bindAxnExtension,
  bindAxn,
  bindBatchAxg,
  buySecretNo,
  confirmSendSms,
  createAxgGroup,
  deleteAxgGroup,
  deleteSecretBlacklist,
  getSecretAsrDetail,
  getSubscriptionDetail,
  getTotalPublicUrl,
  lockSecretNo,
  operateAxgGroup,
  operateBlackNo,
  queryCallStatus,
  queryPhoneNoAByTrackNo,
  queryRecordFileDownloadUrl,
  querySecretNoDetail,
  querySecretNoRemain,
  querySubsId,
  querySubscriptionDetail,
  queryTokenForMnsQueue,
  releaseSecretNo,
  unbindSubscription,
  unlockSecretNo,
  updateSubscription,
]
