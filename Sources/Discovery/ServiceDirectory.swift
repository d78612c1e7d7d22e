/// The DNS-SD directory of the local network: one host writes its own service into it and reads all others'.
///
/// No call waits for a daemon or the network. ``close()`` must be called before the last reference is dropped.
package protocol ServiceDirectory: Sendable {
    /// Advertises until it is called again or with nil; comes back by itself after the system's daemon does.
    ///
    /// A change of `text` or `subtypes` alone leaves the rest as it is: no other host sees the service go.
    func advertise(_ service: AdvertisedService?)

    /// Services of a type (`_llmstack._tcp`) as they come, change and go; this host's own are among them.
    ///
    /// Begins with the directory's state. For one reader; a slow one gets the latest of each service, not each change.
    /// Ends with ``close()`` or with the reading task.
    func browse(_ type: String) -> AsyncStream<DirectoryEvent>

    /// Withdraws what is advertised and ends all streams. Waits up to 2 s for that.
    func close()
}
