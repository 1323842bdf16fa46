using System.Security.Cryptography;
using Ard.Fuzzing;
using Ard.Trainers.Tests.Data;
using Ard.Trainers.Tests.Evaluation;
using static Ard.Trainers.Tests.Checkpoints.PytorchFileTests;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>Damaged files of every kind: they are read or refused, in little time and memory, and leave no tensor behind.</summary>
public sealed class FuzzTests : IDisposable
{
    private readonly DataFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static readonly string[] All =
    [
        nameof(PyTorch), nameof(SafetensorsFiles), nameof(TorchSharpFiles), nameof(IdxFiles), nameof(CifarFiles), nameof(PythonCifarFiles),
        nameof(NumPyFiles), nameof(ImageFiles), nameof(StateFiles),
    ];

    public static TheoryData<string> Kinds => [.. All];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Damaged_files(string kind) => Run(kind, 1000);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Kinds))]
    public void A_hundred_thousand_damaged_files_of_each_kind(string kind) => Run(kind, 100_000);

    private void Run(string kind, int count)
    {
        Action<int> files = kind switch
        {
            nameof(PyTorch) => PyTorch,
            nameof(SafetensorsFiles) => SafetensorsFiles,
            nameof(TorchSharpFiles) => TorchSharpFiles,
            nameof(IdxFiles) => IdxFiles,
            nameof(CifarFiles) => CifarFiles,
            nameof(PythonCifarFiles) => PythonCifarFiles,
            nameof(NumPyFiles) => NumPyFiles,
            nameof(ImageFiles) => ImageFiles,
            _ => StateFiles,
        };
        files(count);
    }

    // Reads everything that there is to read: tensors, the network that it looks like, its weights.
    private void ReadWeights(byte[] bytes)
    {
        var path = folder.Write("file", bytes);
        using (var file = WeightsFile.Open(path))
        {
            if (file.Format == WeightsFormat.TorchScript) return;
            using var scope = NewDisposeScope();
            foreach (var tensor in file.Read().Values) Assert.Equal(1, tensor.sum().numel());
            if (NetworkRecogniser.Recognise(file.Tensors).Spec is null) return;
        }
        ModelFile.Import(path).Dispose();
    }

    private void PyTorch(int count) => Balanced(count, () =>
    {
        string[] names =
        [
            "kinds.pt", "kinds.legacy.pt", "checkpoint.pt", "checkpoint.legacy.pt", "normalised.pt", "strangers-beside.pt",
            "strangers-beside-protocol4.pt", "strangers-beside-legacy-protocol5.pt", "strangers-ema-in-one.pt", "strangers-pair.pt",
        ];
        byte[][] files = [.. names.Select(name => File.ReadAllBytes(Fixture(name)))];
        // Half of them within the pickle, where most is decided: archives around damaged pickles.
        var pickle = Pickle.Of(p => p.Raw('}', '(').Text("a").Tensor([2, 2], [2, 1], 4).Text("b").Tensor([2], [2], 4, 1).Raw('u'));
        return Read(files, count / 2, ReadWeights)
            + Read([pickle], count / 4, damaged => ReadWeights(Pickle.Archive(damaged, [("archive/data/0", new byte[16])])))
            + Around("strangers-beside.pt", count / 8) + Around("strangers-beside-protocol4.pt", count - count / 2 - count / 4 - count / 8);

        // Damaged pickles with everything in them, in their sound archives.
        int Around(string name, int damaged)
        {
            using var archive = System.IO.Compression.ZipFile.OpenRead(Fixture(name));
            var entries = archive.Entries.Where(entry => entry.Name != "data.pkl")
                .Select(entry => ($"archive/{entry.FullName[(entry.FullName.IndexOf('/') + 1)..]}", Contents(entry))).ToArray();
            var original = Contents(archive.Entries.Single(entry => entry.Name == "data.pkl"));
            return Read([original], damaged, bytes => ReadWeights(Pickle.Archive(bytes, entries)));
        }

        static byte[] Contents(System.IO.Compression.ZipArchiveEntry entry)
        {
            using var contents = entry.Open();
            using var bytes = new MemoryStream();
            contents.CopyTo(bytes);
            return bytes.ToArray();
        }
    });

    private void TorchSharpFiles(int count) => Balanced(count, () =>
    {
        using var scope = NewDisposeScope();
        using var network = (NetworkSpec.Parse("tinycnn-1-bn") with { Classes = 2, ImageSize = 4 }).Build(seed: 1);
        using var kinds = new StrangersTests.Kinds();
        network.save(folder.File("network.dat"));
        kinds.save(folder.File("kinds.dat"));
        return Read([File.ReadAllBytes(folder.File("network.dat")), File.ReadAllBytes(folder.File("kinds.dat"))], count, ReadWeights);
    });

    private void PythonCifarFiles(int count) => Balanced(count, () =>
    {
        var python2 = CifarPythonTests.Python2(2, "labels");
        var python3 = File.ReadAllBytes(DataFixture("cifar-python3.pkl"));
        folder.Write("py/batches.meta", CifarPythonTests.Python2Names("label_names", 10));
        var names = File.ReadAllBytes(folder.File("py/batches.meta"));
        return Read([python2, python3], count - count / 4, bytes =>
            {
                folder.Write("py/test_batch", bytes);
                Load();
            })
            + Read([names], count / 4, bytes =>
            {
                folder.Write("py/test_batch", python2);
                folder.Write("py/batches.meta", bytes);
                Load();
            });

        void Load() => Cifar.Load(folder.File("py"), DataSplit.Test, rowsPerFile: 2).Dispose();
    });

    private void NumPyFiles(int count) => Balanced(count, () =>
    {
        string[] names = ["mnist-like.npz", "packed.npz"];
        byte[][] archives = [.. names.Select(name => File.ReadAllBytes(DataFixture(name)))];
        byte[][] arrays = [.. new[] { "x_test.npy", "fortran.npy", "channels_last.npy" }.Select(name =>
            File.ReadAllBytes(DataFixture(name)))];
        var labels = File.ReadAllBytes(DataFixture("labels.npy"));
        folder.Write("npy/labels.npy", labels);
        return Read(archives, count / 2, bytes => Npy.Load(folder.Write("archive.npz", bytes), DataSplit.Test).Dispose())
            + Read(arrays, count / 4, bytes => Npy.Load(folder.Write("npy/images.npy", bytes), DataSplit.Test).Dispose())
            + Read([labels], count - count / 2 - count / 4, bytes =>
            {
                folder.Write("other/labels.npy", bytes);
                Npy.Load(folder.Write("other/images.npy", arrays[0]), DataSplit.Test).Dispose();
            });
    });

    private void ImageFiles(int count) => Balanced(count, () =>
    {
        using (var data = Glyphs.Generate(3, seed: 1)) data.Save(folder.File("images"));
        return Read([File.ReadAllBytes(folder.File("images"))], count, bytes => ImageDataset.Open(folder.Write("file", bytes)).Dispose());
    });

    private void StateFiles(int count) => Balanced(count, () =>
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var state = folder.File("state");
        new RobustnessEvaluator(new()
        {
            Threat = EvaluationProblem.Threat,
            Attacks = ["fgsm", "apgd-ce-2"],
            BatchSize = 40,
            KeepLogits = true,
            Shard = new(1, 1),
            StateFile = state,
        }).Evaluate(network, images, labels);
        var sound = File.ReadAllBytes(state);
        // Records of length, SHA-256 and JSON.
        var records = new List<byte[]>();
        for (var at = 0; at < sound.Length; at += 40 + records[^1].Length)
            records.Add(sound[(at + 40)..(at + 40 + (int)BitConverter.ToInt64(sound, at))]);
        return Read([sound], count / 2, Merge) + records.Select((record, place) => Read([record], count / 2 / records.Count, damaged =>
            // Under digests that are right: whoever makes a file can make those as well.
            Merge([.. records.Select((own, other) => other == place ? damaged : own)
                .SelectMany(json => BitConverter.GetBytes((long)json.Length).Concat(SHA256.HashData(json)).Concat(json))]))).Sum();

        void Merge(byte[] bytes) => EvaluationShard.Merge([folder.Write("shard", bytes)], folder.File("merged"));
    });

    private void SafetensorsFiles(int count) => Balanced(count, () =>
    {
        using var scope = NewDisposeScope();
        using var network = (NetworkSpec.Parse("tinycnn-2-bn") with { Classes = 4, ImageSize = 8 }).Build(seed: 1);
        var ours = folder.File("ours");
        ModelFile.Write(ours, network);
        var header =
            """{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BOOL","shape":[3],"data_offsets":[24,27]}}""";
        byte[] foreign = [.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.ASCII.GetBytes(header), .. new byte[27]];
        return Read([File.ReadAllBytes(ours), foreign, foreign], count, ReadWeights);
    });

    private void IdxFiles(int count) => Balanced(count, () =>
    {
        var images = DataFolder.Idx(0x803, [5, 4, 3], DataFolder.Pattern(60));
        var labels = DataFolder.Idx(0x801, [5], [0, 1, 2, 3, 9]);
        var (imagesPath, labelsPath) = (folder.Write("sound-images", images), folder.Write("sound-labels", labels));
        return Read([images, DataFolder.Gzip(images)], count / 2, bytes => Idx.Load(folder.Write("images", bytes), labelsPath).Dispose())
            + Read([labels, DataFolder.Gzip(labels)], count / 2, bytes => Idx.Load(imagesPath, folder.Write("labels", bytes)).Dispose());
    });

    private void CifarFiles(int count) => Balanced(count, () =>
    {
        // Two rows of one file; the same in an archive.
        var rows = new byte[2 * 3073];
        rows[3073] = 9;
        folder.Write("cifar-10-batches-bin/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"u8.ToArray());
        folder.Write("cifar-10-batches-bin/test_batch.bin", rows);
        System.Formats.Tar.TarFile.CreateFromDirectory(folder.File("cifar-10-batches-bin"), folder.File("archive.tar"), true);
        var tar = File.ReadAllBytes(folder.File("archive.tar"));
        return Read([rows], count / 3, bytes =>
            {
                folder.Write("cifar-10-batches-bin/test_batch.bin", bytes);
                Load(folder.Root);
            })
            + Read([tar, DataFolder.Gzip(tar)], count - count / 3, bytes => Load(folder.Write("archive", bytes)));

        static void Load(string path) => Cifar.Load(path, DataSplit.Test, rowsPerFile: 2).Dispose();
    });

    private static string DataFixture(string name) => Fixture(Path.Combine("..", "..", "Data", "Fixtures", name));

    private static int Read(byte[][] files, int count, Action<byte[]> read)
    {
        var (good, refused) = Fuzz.Run(files, count, read, exception => exception is DataFileException);
        Assert.Equal(count, good + refused);
        return refused;
    }

    private static void Balanced(int count, Func<int> run)
    {
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        var refused = run();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        // Most damage is noticed; if it were not, nothing would be tested.
        Assert.InRange(refused, count / 4, count);
    }
}
