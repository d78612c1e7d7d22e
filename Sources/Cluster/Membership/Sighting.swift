/// A node as discovery reports it.
package struct Sighting: Equatable, Sendable {
    package var id: NodeID
    /// What people call it.
    package var name: String
    /// Address and port at which its models are asked for.
    package var host: String
    package var port: Int
    /// Put before each path; empty or beginning with `/`.
    package var prefix: String

    package init(id: NodeID, name: String, host: String, port: Int, prefix: String = "") {
        self.id = id
        self.name = name
        self.host = host
        self.port = port
        self.prefix = prefix
    }
}
