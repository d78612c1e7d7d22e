/// One address of a found service, and the interface over which it was learned.
package struct ServiceAddress: Hashable, Sendable {
    package var address: IPAddress
    /// 0 where the directory does not say; never 0 for a link-local address.
    package var interfaceIndex: Int
    /// Empty where this host has no such interface any more.
    package var interfaceName: String
    /// The address as text, without a zone.
    package var numeric: String

    package init(_ address: IPAddress, interfaceIndex: Int, interfaceName: String) {
        self.address = address
        self.interfaceIndex = interfaceIndex
        self.interfaceName = interfaceName
        numeric = address.text
    }

    package var family: IPAddress.Family { address.family }
    /// Link-local addresses are good for a connection now, never for a file: the zone is this host's, for today.
    package var isLinkLocal: Bool { address.isLinkLocal }

    /// The address as text, a link-local one of IPv6 with its zone: `fe80::1%eth0`.
    package var text: String {
        guard family == .v6, isLinkLocal else { return numeric }
        return "\(numeric)%\(interfaceName.isEmpty ? String(interfaceIndex) : interfaceName)"
    }
}
