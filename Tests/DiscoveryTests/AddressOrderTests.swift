import Discovery
import Testing

struct AddressOrderTests {
    private static let interfaces = [
        HostInterface(
            index: 1, name: "lo", isLoopback: true, networks: [network("127.0.0.1", 8), network("::1", 128)]),
        HostInterface(
            index: 2, name: "eth0",
            networks: [network("10.0.0.9", 24), network("fe80::9", 64), network("2001:db8:0:1::9", 64)]),
        HostInterface(index: 3, name: "wlan0", networks: [network("192.168.7.9", 22)]),
        HostInterface(index: 4, name: "docker0", networks: [network("172.17.0.1", 16)]),
        HostInterface(index: 5, name: "tun0", isPointToPoint: true, networks: [network("10.8.0.9", 24)]),
        HostInterface(index: 6, name: "veth12", networks: []),
    ]

    private static func network(_ text: String, _ length: Int) -> IPNetwork {
        IPNetwork(address: IPAddress(text)!, prefixLength: length)
    }

    /// `address@interface …`, as they were seen and as they are to be tried.
    @Test(arguments: [
        ("10.0.0.1@2", "10.0.0.1"),
        // A container's address came first.
        ("172.17.0.2@4 10.0.0.1@2", "10.0.0.1 172.17.0.2"),
        // A container network's address that was announced on the real one.
        ("172.17.0.1@2 10.0.0.1@2", "10.0.0.1 172.17.0.1"),
        ("172.17.0.1@2 2001:db8::5@2", "2001:db8::5 172.17.0.1"),
        ("10.9.9.9@6 10.0.0.1@2", "10.0.0.1 10.9.9.9"),
        // Of another network than ours, or of ours but heard elsewhere: behind those on the link.
        ("10.1.0.1@2 10.0.0.1@2", "10.0.0.1 10.1.0.1"),
        ("10.0.0.1@3 192.168.4.1@3", "192.168.4.1 10.0.0.1"),
        ("192.168.8.1@3 192.168.7.255@3", "192.168.7.255 192.168.8.1"),
        // Both families, IPv4 first among equals.
        ("2001:db8:0:1::1@2 10.0.0.1@2", "10.0.0.1 2001:db8:0:1::1"),
        ("10.1.0.1@2 2001:db8:0:1::1@2", "2001:db8:0:1::1 10.1.0.1"),
        // Link-local: after what can be routed, with its zone, and not at all without an interface.
        ("fe80::1@2 10.1.0.1@2", "10.1.0.1 fe80::1%eth0"),
        ("169.254.3.4@2 fe80::1@2 10.0.0.1@2", "10.0.0.1 169.254.3.4 fe80::1%eth0"),
        ("fe80::1@0 10.0.0.1@0", "10.0.0.1"),
        ("fe80::1@2 fe80::1@3", "fe80::1%eth0 fe80::1%wlan0"),
        ("fe80::1@99", "fe80::1%99"),
        ("fe80::1@4 172.17.0.2@4 fe80::1@2", "fe80::1%eth0 172.17.0.2 fe80::1%docker0"),
        // Tunnels behind real networks.
        ("10.8.0.1@5 10.0.0.1@2", "10.0.0.1 10.8.0.1"),
        ("10.8.0.1@5 10.1.0.1@2", "10.8.0.1 10.1.0.1"),
        // The same address over several interfaces: once, at its best.
        ("10.0.0.1@4 10.0.0.1@3 10.0.0.1@2", "10.0.0.1"),
        // Nobody's, everybody's or our own.
        ("127.0.0.1@2 10.0.0.1@2", "10.0.0.1"), ("127.0.0.1@1", "127.0.0.1"), ("::1@2", ""),
        ("0.0.0.0@2 224.0.0.251@2 255.255.255.255@2 ff02::fb@2 ::@2 ::ffff:10.0.0.1@2", ""),
    ])
    func addressesAreTriedInThisOrder(_ seen: String, _ expected: String) throws {
        let sightings = try seen.split(separator: " ").map { word in
            let parts = word.split(separator: "@")
            return (
                address: try #require(IPAddress(String(parts[0]))), interface: try #require(Int(parts[1]))
            )
        }
        let order = AddressOrder(Self.interfaces)
        for sightings in [sightings, sightings.reversed(), sightings + sightings] {
            #expect(order.sorted(sightings).map(\.text).joined(separator: " ") == expected)
        }
    }

    @Test func theOrderOfOneAddressHeardTwiceNamesTheBetterInterface() throws {
        let address = try #require(IPAddress("10.0.0.1"))
        let sorted = AddressOrder(Self.interfaces).sorted([(address, 4), (address, 2)])
        #expect(sorted.map(\.interfaceName) == ["eth0"])
    }

    @Test(arguments: [
        ("docker0", true), ("br-1c2d3e4f5a6b", true), ("veth12ab", true), ("virbr0", true), ("podman1", true),
        ("bridge100", true), ("bridge0", false), ("br0", false), ("eth0", false), ("en0", false), ("wlp3s0", false),
    ])
    func bridgesForContainersAreKnownByName(_ name: String, _ expected: Bool) {
        #expect(HostInterface(index: 7, name: name).isVirtualBridge == expected)
    }

    @Test(arguments: [
        ("10.0.0.9", 24, "10.0.0.255", true), ("10.0.0.9", 24, "10.0.1.0", false), ("10.0.0.9", 31, "10.0.0.8", true),
        ("10.0.0.9", 32, "10.0.0.8", false), ("10.0.0.9", 0, "192.168.0.1", true), ("10.0.0.9", 0, "::1", false),
        ("fd00::1", 60, "fd00:0:0:f::1", true), ("fd00::1", 60, "fd00:0:0:10::1", false),
    ])
    func aNetworkContains(_ address: String, _ length: Int, _ other: String, _ expected: Bool) throws {
        let network = IPNetwork(address: try #require(IPAddress(address)), prefixLength: length)
        #expect(network.contains(try #require(IPAddress(other))) == expected)
    }

    @Test func thisHostHasALoopback() throws {
        let loopback = try #require(SystemInterfaces.current().first { $0.isLoopback })
        #expect(loopback.index > 0)
        #expect(loopback.networks.contains(IPNetwork(address: try #require(IPAddress("127.0.0.1")), prefixLength: 8)))
    }
}
