export { type FakeSmtp, type SmtpLedgerEntry, type SmtpMoment, type SmtpReply, startFakeSmtp } from '@trunkline/core/testing/fakes'
