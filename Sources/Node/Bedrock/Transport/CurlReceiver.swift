/// Takes one reply as it arrives, on the thread that drives all transfers: it must not block.
package protocol CurlReceiver: AnyObject, Sendable {
    /// Called once, before any body.
    func received(_ head: Curl.Head)

    /// - Returns: false where there is no room for these bytes now: the transfer stands still, and offers them once more
    ///   after ``CurlTransfer/resume()``.
    func received(_ bytes: UnsafeRawBufferPointer) -> Bool

    /// Nothing more comes. Not called for a transfer that was cancelled.
    func ended(_ result: Result<Curl.Head, CurlFailure>)
}

/// Makes HTTP requests: the seam between what is asked for and libcurl.
package protocol CurlTransport: Sendable {
    func start(_ request: Curl.Request, _ receiver: any CurlReceiver) -> any CurlTransfer
}

/// A request that is under way. Any thread may call it, and a transfer that is over does not mind.
package protocol CurlTransfer: Sendable {
    /// Nobody wants the reply any more: the connection ends at once. A call that is under way may still come.
    func cancel()

    /// There is room again.
    func resume()
}
