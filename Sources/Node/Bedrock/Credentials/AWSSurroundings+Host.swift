import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension AWSSurroundings {
    /// Bytes of a reply or a file that are taken: all of them are short.
    private static let limit = 1 << 20
    /// A `credential_process` may open a browser and wait for somebody.
    private static let processLimit = Duration.seconds(120)

    /// This machine.
    package static func host(environment: [String: String] = ProcessInfo.processInfo.environment) -> AWSSurroundings {
        AWSSurroundings(
            variables: environment,
            contents: { path in
                guard let file = FileHandle(forReadingAtPath: path) else { return nil }
                defer { try? file.close() }
                return (try? file.read(upToCount: limit)).map { [UInt8]($0) } ?? nil
            },
            stamp: { path in
                var information = stat()
                guard stat(path, &information) == 0 else { return nil }
                #if canImport(Darwin)
                    let modified = information.st_mtimespec
                #else
                    let modified = information.st_mtim
                #endif
                return FileStamp(
                    inode: UInt64(information.st_ino), size: UInt64(information.st_size),
                    modified: Int64(modified.tv_sec) * 1_000_000_000 + Int64(modified.tv_nsec))
            },
            save: { bytes, path in
                (try? AtomicFile.write(String(decoding: bytes, as: UTF8.self), to: path, mode: 0o600)) != nil
            },
            now: { Date() },
            pause: { try? await Task.sleep(for: $0) },
            send: { request async throws(CurlFailure) in
                var request = request
                request.followsRedirects = false
                let reply = try await Curl.get(request, limit: limit)
                return Reply(status: reply.status, body: reply.body)
            },
            run: { words in
                guard let name = words.first else { return nil }
                let path = name.contains("/") ? name : ProgramSearch(environment: environment).first(name)
                guard let path else { return nil }
                let command = PipedCommand(path, Array(words.dropFirst()), environment: environment)
                return await command.run(limit: processLimit)
            })
    }
}
