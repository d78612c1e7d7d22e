import NIOCore
import NIOPosix
import Testing
import Wire

struct ThinStreamsTests {
    @Test(.enabled(if: !ThinStreams.options.isEmpty), arguments: ThinStreams.options.map(\.option.rawValue))
    func `Both sides of a connection try again soon`(_ number: CInt) async throws {
        let option = NIOBSDSocket.Option(rawValue: number)
        let value = try #require(ThinStreams.options.first { $0.option == option }?.value)
        let group = MultiThreadedEventLoopGroup.singleton
        let accepted = group.next().makePromise(of: ChannelOptions.Types.SocketOption.Value.self)
        let listener = try await ServerBootstrap(group: group).forThinStreams()
            .childChannelInitializer { channel in
                channel.getOption(.tcpOption(option)).cascade(to: accepted)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(listener.localAddress)
        let client = try await ClientBootstrap(group: group).forThinStreams().connect(to: address).get()
        let (ours, theirs) = try await (client.getOption(.tcpOption(option)).get(), accepted.futureResult.get())
        #expect([ours, theirs] == [value, value])
        try await client.close().get()
        try await listener.close().get()
    }
}
