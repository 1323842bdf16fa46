using System.Runtime.CompilerServices;
using Ard.Trainers.Tests.Checkpoints;

namespace Ard.Trainers.Tests.Data;

/// <summary>CIFAR's Python version, which torchvision downloads: arrays of NumPy's in pickles of Python 2.</summary>
public sealed class CifarPythonTests
{
    internal static string Fixture(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Fixtures", name);

    private static byte[] Pixels(int rows) => [.. Enumerable.Range(0, rows * 3072).Select(i => (byte)(i % 251))];

    // As the published files are, opcode by opcode: texts of Python 2, the array made by numpy.core.multiarray._reconstruct.
    internal static byte[] Python2(int rows, string labels, int largest = 9) => Pickle.Of(p => p
        .Raw('}', 'q', 1, '(').Short("batch_label").Raw('q', 2).Short("testing batch 1 of 1").Raw('q', 3)
        .Short(labels).Raw('q', 4, ']', 'q', 5, '(')
        .Do(q =>
        {
            for (var row = 0; row < rows; row++) q.Raw('K', row == rows - 1 ? largest : row);
        })
        .Raw('e').Short("data").Raw('q', 6)
        .Global("numpy.core.multiarray", "_reconstruct").Raw('q', 7).Global("numpy", "ndarray").Raw('q', 8)
        .Raw('K', 0, 0x85).Short("b").Raw(0x87, 'R', 'q', 9, '(', 'K', 1, 'K', rows, 'M', 0x00, 0x0c, 0x86)
        .Global("numpy", "dtype").Raw('q', 10).Short("u1").Raw('K', 0, 'K', 1, 0x87, 'R', 'q', 11, '(', 'K', 3).Short("|")
        .Raw('N', 'N', 'N', 'J', 255, 255, 255, 255, 'J', 255, 255, 255, 255, 'K', 0, 't', 'b', 0x89)
        .Raw('T').Number(rows * 3072, 4).Raw(Pixels(rows)).Raw('t', 'b')
        .Short("filenames").Raw('q', 12, ']', 'q', 13, '(').Short("a.png").Short("b.png").Raw('e', 'u'));

    internal static byte[] Python2Names(string key, int classes) => Pickle.Of(p => p
        .Raw('}', 'q', 1, '(').Short("num_cases_per_batch").Raw('M', 0x10, 0x27).Short(key).Raw(']', 'q', 2, '(')
        .Do(q =>
        {
            for (var i = 0; i < classes; i++) q.Short($"name{i}");
        })
        .Raw('e').Short("num_vis").Raw('M', 0, 0x0c, 'u'));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cifar10_for_Python_is_read_from_its_folder_and_its_archive(bool archive)
    {
        using var folder = new DataFolder();
        const string Inner = "cifar-10-batches-py";
        folder.Write($"{Inner}/test_batch", Python2(3, "labels"));
        folder.Write($"{Inner}/batches.meta", Python2Names("label_names", 10));
        var path = folder.Root;
        if (archive)
        {
            using var tar = new MemoryStream();
            System.Formats.Tar.TarFile.CreateFromDirectory(folder.File(Inner), tar, includeBaseDirectory: true);
            path = folder.Write("cifar-10-python.tar.gz", DataFolder.Gzip(tar.ToArray()));
        }
        using var data = archive ? Cifar.Load(path, DataSplit.Test, 3) : Cifar.Load(folder.File(Inner), DataSplit.Test, 3);
        Assert.Equal([3, 3, 32, 32], data.Images.shape);
        Assert.Equal(Pixels(3), data.Images.data<byte>().ToArray());
        Assert.Equal([0, 1, 9], data.Labels.data<long>().ToArray());
        Assert.Equal("name9", data.ClassNames[9]);
    }

    [Fact]
    public void Cifar100_for_Python_is_read_with_its_fine_labels()
    {
        using var folder = new DataFolder();
        folder.Write("cifar-100-python/test", Python2(2, "fine_labels", largest: 99));
        folder.Write("cifar-100-python/meta", Python2Names("fine_label_names", 100));
        using var data = Cifar.Load(folder.Root, DataSplit.Test, 2);
        Assert.Equal([0, 99], data.Labels.data<long>().ToArray());
        Assert.Equal("name99", data.ClassNames[99]);
        // Through the door of all kinds it has to have all its rows.
        DataFolder.AssertFault(
            folder.File("cifar-100-python/test"), 0, "an array 'data' of bytes [10000,3072]", "one of u1 [2,3072]",
            () => ImageDataset.Load(folder.Root, DataSplit.Test));
    }

    [Fact]
    public void A_pickle_by_Python_3_with_bytes_as_keys_is_read()
    {
        using var folder = new DataFolder();
        folder.Write("test_batch", File.ReadAllBytes(Fixture("cifar-python3.pkl")));
        using var data = Cifar.Load(folder.Root, DataSplit.Test, 2);
        Assert.Equal(Pixels(2), data.Images.data<byte>().ToArray());
        Assert.Equal([3, 9], data.Labels.data<long>().ToArray());
    }

    [Fact]
    public void What_is_no_batch_is_refused_by_what_is_wrong_with_it()
    {
        using var folder = new DataFolder();
        var path = folder.Write("test_batch", Python2(2, "coarse_labels"));
        Fault("a list 'labels' of 2 labels", "none");
        folder.Write("test_batch", Python2(2, "labels", largest: 10));
        Fault("a label from 0 to 9 in row 1", "10");
        folder.Write("test_batch", Python2(3, "labels"));
        Fault("[2,3072]", "[3,3072]");
        // What would run something in Python is a name and no more.
        folder.Write("test_batch", Pickle.Of(p => p.Item("data", q => q.Global("os", "system").Tuple(r => r.Text("touch owned")).Call())));
        Fault("an array 'data'", "something else");
        folder.Write("test_batch", Python2(2, "labels")[..500]);
        Assert.Throws<DataFileException>(() => Cifar.Load(folder.Root, DataSplit.Test, 2));

        void Fault(string expected, string found) =>
            DataFolder.AssertFault(path, 0, expected, found, () => Cifar.Load(folder.Root, DataSplit.Test, 2));
    }
}
