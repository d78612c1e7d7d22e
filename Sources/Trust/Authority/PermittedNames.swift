import Cluster
import SwiftASN1
import X509

/// The names that a cluster's authority may certify: its name constraints (RFC 5280, 4.2.1.10).
///
/// One name outside makes a whole certificate void, so they are sifted before one is signed. Kinds that are not
/// listed, such as URIs, are not constrained.
struct PermittedNames: Equatable, Sendable {
    /// Each stands for itself and all names below it; in lower case.
    let domains: [String]
    let ranges: [AddressRange]

    /// What every cluster has, and `domain` where one is given.
    ///
    /// - Throws: ``IssueFailure/badDomain(_:)``.
    init(domain: String?) throws(IssueFailure) {
        var domains = ["local", "localhost"]
        if let domain {
            guard let name = Self.dnsName(domain) else { throw .badDomain(domain) }
            if !domains.contains(name) { domains.append(name) }
        }
        self.domains = domains
        ranges = [
            // Private: RFC 1918.
            AddressRange([10, 0, 0, 0], prefix: 8), AddressRange([172, 16, 0, 0], prefix: 12),
            AddressRange([192, 168, 0, 0], prefix: 16),
            // Shared, as overlay networks use it: RFC 6598.
            AddressRange([100, 64, 0, 0], prefix: 10),
            // Link-local: RFC 3927; loopback.
            AddressRange([169, 254, 0, 0], prefix: 16), AddressRange([127, 0, 0, 0], prefix: 8),
            // Unique local: RFC 4193; link-local and loopback: RFC 4291.
            AddressRange([0xfc] + Self.zeros(15), prefix: 7), AddressRange([0xfe, 0x80] + Self.zeros(14), prefix: 10),
            AddressRange(Self.zeros(15) + [1], prefix: 128),
        ]
    }

    /// What an authority's certificate permits.
    ///
    /// - Returns: nil where it leaves names or addresses unconstrained.
    init?(_ constraints: NameConstraints) {
        domains = constraints.permittedDNSDomains.map { $0.lowercased() }
        ranges = constraints.permittedIPRanges.compactMap { AddressRange(constraint: $0.bytes) }
        guard !domains.isEmpty, !ranges.isEmpty else { return nil }
    }

    private static func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }

    var constraints: NameConstraints {
        NameConstraints(
            permittedDNSDomains: domains,
            permittedIPRanges: ranges.map { ASN1OctetString(contentBytes: $0.constraint[...]) })
    }

    // MARK: Names

    /// A host's name as certificates have it: in lower case, without a dot at the end.
    ///
    /// - Returns: nil where it is no name of one host: wildcards are none, nor is what could be an address.
    static func dnsName(_ text: String) -> String? {
        let name = text.hasSuffix(".") ? text.dropLast().lowercased() : text.lowercased()
        guard (1...253).contains(name.utf8.count), name.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let areGood = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
        }
        guard areGood, let last = labels.last, !last.allSatisfy(\.isNumber) else { return nil }
        return name
    }

    /// - Parameter name: in lower case.
    func permits(name: String) -> Bool { domains.contains { name == $0 || name.hasSuffix(".\($0)") } }

    func permits(address: [UInt8]) -> Bool { ranges.contains { $0.contains(address) } }

    /// What a leaf may hold of the names and addresses that a host would like to have.
    struct Sifted: Equatable {
        var dnsNames: [String] = []
        var addresses: [[UInt8]] = []
        /// As they were given.
        var leftOut: [String] = []
    }

    func sift(dnsNames: [String], addresses: [String]) -> Sifted {
        var sifted = Sifted()
        for text in dnsNames {
            guard let name = Self.dnsName(text), permits(name: name) else {
                sifted.leftOut.append(text)
                continue
            }
            if !sifted.dnsNames.contains(name) { sifted.dnsNames.append(name) }
        }
        for text in addresses {
            guard let bytes = AddressRange.bytes(of: text), permits(address: bytes) else {
                sifted.leftOut.append(text)
                continue
            }
            if !sifted.addresses.contains(bytes) { sifted.addresses.append(bytes) }
        }
        return sifted
    }
}
