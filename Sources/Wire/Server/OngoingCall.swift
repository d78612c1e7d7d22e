/// A request that somebody else answers, from its receiver's side. Used on one event loop.
protocol OngoingCall: AnyObject {
    /// The receiver has room again.
    func resumeReading()

    /// The receiver has gone: nobody may go on working for it.
    func cancel()
}

extension UpstreamCall: OngoingCall {}
