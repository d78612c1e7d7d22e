import Discovery
import Foundation
import Node

extension HostNames {
    /// This host's, at this moment: without bridges to containers, which lead nobody here.
    static func current() -> HostNames {
        let addresses = SystemInterfaces.current().filter { !$0.isLoopback && !$0.isVirtualBridge }
            .flatMap { $0.networks.map(\.address) }.filter { !$0.isLinkLocal }
        return HostNames(hostName: ProcessInfo.processInfo.hostName, addresses: Set(addresses.map(\.text)).sorted())
    }
}
