/// The router on loopback that a thin client of a cluster with keys runs, where it is not told to do without.
package struct Gateway: Equatable, Sendable {
    package let pin: PinnedRouter
    package let port: Int
    /// As the channel's marker has it.
    package let url: String

    /// A project's; nil where it has none.
    ///
    /// - Throws: ``StackFailure`` where router.json cannot be read.
    package init?(_ work: WorkDirectory) throws(StackFailure) {
        let pin: PinnedRouter?
        do { pin = try PinnedRouter.read(work) } catch {
            throw StackFailure("\(error.path) \(error.problem)", advice: "fix: \(error.fix)")
        }
        guard let pin, pin.isGateway, case .external(let url)? = work.pinnedChannel,
            let port = PinnedRouter.gatewayPort(url)
        else { return nil }
        self.pin = pin
        self.port = port
        self.url = url
    }
}
