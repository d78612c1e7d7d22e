/// A network interface of this host.
package struct HostInterface: Equatable, Sendable {
    package var index: Int
    package var name: String
    package var isLoopback: Bool
    /// Tunnels of VPNs and the like.
    package var isPointToPoint: Bool
    package var networks: [IPNetwork]

    package init(
        index: Int, name: String, isLoopback: Bool = false, isPointToPoint: Bool = false, networks: [IPNetwork] = []
    ) {
        self.index = index
        self.name = name
        self.isLoopback = isLoopback
        self.isPointToPoint = isPointToPoint
        self.networks = networks
    }

    /// Whether it leads to containers or virtual machines of this host, by the names that Docker, Podman, libvirt, LXD,
    /// VMware, VirtualBox and macOS's virtualization give (`bridge0` of macOS is Thunderbolt: a real network).
    package var isVirtualBridge: Bool {
        let names = [
            "docker", "br-", "veth", "virbr", "podman", "cni", "lxcbr", "lxdbr", "vmnet", "vboxnet", "bridge10",
        ]
        return names.contains { name.hasPrefix($0) }
    }
}
