using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>
/// What <see cref="ModelFile"/> writes, in PyTorch: read by the layout of the format alone, loaded by name into the usual definitions.
/// </summary>
public sealed class SafetensorsInPythonTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-python-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [PythonFact("torch")]
    public void Weights_load_into_the_usual_definitions_and_give_our_logits()
    {
        const string script = """
            import json, struct, sys
            import torch
            sys.dont_write_bytecode = True
            sys.path.insert(0, sys.argv[1])
            import networks

            def read(path):
                with open(path, "rb") as file:
                    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
                    data = bytearray(file.read())
                types = {"F32": torch.float32, "I64": torch.int64}
                metadata, end = header.pop("__metadata__", {}), 0
                tensors = {}
                for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
                    first, last = entry["data_offsets"]
                    assert first == end, name
                    end = last
                    tensors[name] = torch.frombuffer(data[first:last], dtype=types[entry["dtype"]]).reshape(entry["shape"])
                assert end == len(data)
                return metadata, tensors

            images = read(sys.argv[2])[1]["images"]
            for path in sys.argv[3:]:
                metadata, tensors = read(path)
                name = json.loads(metadata["ard.network"])["name"]
                network = {"resnet": networks.ResNet18, "mobilenetv2": networks.MobileNetV2}[name]().eval()
                network.load_state_dict(tensors, strict=True)
                with torch.no_grad():
                    print(json.dumps(network(images.clone()).tolist()))
            """;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var generator = new Generator(2);
        var images = empty([3, 3, 32, 32]).uniform_(0, 1, generator);
        var file = Path.Combine(folder, "images.safetensors");
        Safetensors.Write(file, [("images", images)]);
        var (paths, expected) = (new List<string>(), new List<Tensor>());
        foreach (var name in new[] { "resnet18", "mobilenetv2" })
        {
            using var network = NetworkSpec.Parse(name).Build(seed: 4);
            network.call(images * 2).Dispose(); // in train mode: running statistics of their own
            network.eval();
            paths.Add(Path.Combine(folder, name + ".safetensors"));
            ModelFile.Write(paths[^1], network);
            expected.Add(network.call(images));
        }
        var lines = Python.Run(["torch"], script, [Definitions(), file, .. paths]).TrimEnd('\n').Split('\n');
        foreach (var (line, logits) in lines.Zip(expected))
        {
            var found = tensor(JsonSerializer.Deserialize<float[][]>(line)!.SelectMany(row => row).ToArray()).reshape(3, 10);
            Compare.Close(logits, found, 1e-5, "logits");
        }
        Assert.Equal(2, lines.Length);
    }

    // The folder of the definitions in plain PyTorch.
    private static string Definitions([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "bench", "pytorch"));
}
