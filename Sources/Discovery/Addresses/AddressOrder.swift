/// In which order the addresses of a service are tried from here.
package struct AddressOrder: Equatable, Sendable {
    package var interfaces: [HostInterface]

    package init(_ interfaces: [HostInterface]) { self.interfaces = interfaces }

    /// The best first.
    private enum Rank: Int, Comparable {
        /// 1. Of a network that this host has too, learned over that network.
        case onLink
        /// 2. Anything that can be routed.
        case routed
        /// 3. Link-local: works, but only from here and only until the interface goes.
        case linkLocal
        /// 4. Behind a bridge for containers: often this host's own, or the same address on every host.
        case bridged

        static func < (left: Rank, right: Rank) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Place: Comparable {
        var rank: Rank
        var isTunnel: Bool
        var isIPv6: Bool
        var interface: Int
        var numeric: String

        private var flags: Int { (isTunnel ? 2 : 0) + (isIPv6 ? 1 : 0) }

        static func < (left: Place, right: Place) -> Bool {
            (left.rank, left.flags, left.interface, left.numeric)
                < (right.rank, right.flags, right.interface, right.numeric)
        }
    }

    /// - Parameter sightings: addresses, each with the index of the interface over which it was learned (0: unknown), in
    ///   any order and as often as they were seen.
    /// - Returns: the usable ones, each once, the best first; the order depends on nothing but the set of sightings.
    package func sorted(_ sightings: some Sequence<(address: IPAddress, interface: Int)>) -> [ServiceAddress] {
        var best: [IPAddress: (place: Place, service: ServiceAddress)] = [:]
        var linkLocal: [(place: Place, service: ServiceAddress)] = []
        for (address, index) in sightings {
            let interface = interfaces.first { $0.index == index }
            guard isUsable(address, over: interface, index: index) else { continue }
            let service = ServiceAddress(address, interfaceIndex: index, interfaceName: interface?.name ?? "")
            let place = Place(
                rank: rank(address, over: interface), isTunnel: interface?.isPointToPoint ?? false,
                isIPv6: address.family == .v6, interface: index, numeric: service.numeric)
            if address.isLinkLocal {
                // The same address over two interfaces may be two hosts.
                if !linkLocal.contains(where: { $0.service == service }) { linkLocal.append((place, service)) }
            } else if best[address].map({ place < $0.place }) ?? true {
                best[address] = (place, service)
            }
        }
        return (Array(best.values) + linkLocal).sorted { $0.place < $1.place }.map(\.service)
    }

    private func isUsable(_ address: IPAddress, over interface: HostInterface?, index: Int) -> Bool {
        guard address.isUnicast else { return false }
        // Another host's loopback would be our own.
        if address.isLoopback { return interface?.isLoopback ?? false }
        return !address.isLinkLocal || index > 0
    }

    private func rank(_ address: IPAddress, over interface: HostInterface?) -> Rank {
        // 4. before all else: an address within our own container network leads there whatever said it.
        let isBridged =
            interface?.isVirtualBridge ?? false
            || interfaces.contains { $0.isVirtualBridge && $0.networks.contains { $0.contains(address) } }
        if isBridged && !address.isLinkLocal || interface?.isVirtualBridge ?? false { return .bridged }
        if address.isLinkLocal { return .linkLocal }
        return interface?.networks.contains { $0.contains(address) } ?? false ? .onLink : .routed
    }
}
