/// What came of a ``PlacementQuestion``.
package struct PlacementChoice: Equatable, Sendable, Codable {
    package var tier: String
    /// nil where nobody could be asked.
    package var host: NodeID?
    /// Why nobody could be; empty where somebody can.
    package var why: String

    package init(_ route: Route) {
        tier = route.tier.printable()
        switch route.decision {
        case .host(let verdict): (host, why) = (verdict.id, "")
        case .unserved(let unserved): (host, why) = (nil, unserved.why)
        }
    }
}
