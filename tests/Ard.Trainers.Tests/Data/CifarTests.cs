using System.Formats.Tar;

namespace Ard.Trainers.Tests.Data;

public sealed class CifarTests
{
    private const int Rows = 3;
    private static readonly string[] TenNames = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    [Theory]
    [InlineData("")]
    [InlineData("cifar-10-batches-bin")]
    public void A_folder_of_cifar10_is_read_file_after_file_from_itself_or_from_above(string inner)
    {
        using var folder = new DataFolder();
        foreach (var (name, bytes) in Ten()) folder.Write(Path.Combine("cifar-10-batches-bin", name), bytes);
        using var train = Cifar.Load(folder.File(inner), DataSplit.Train, Rows);
        using var test = Cifar.Load(folder.File(inner), DataSplit.Test, Rows);
        AssertTen(train, test);
    }

    [Fact]
    public void Names_of_ones_own_take_the_place_of_the_files()
    {
        using var folder = new DataFolder();
        foreach (var (name, bytes) in Ten()) folder.Write(Path.Combine("cifar-10-batches-bin", name), bytes);
        folder.Write(Path.Combine("cifar-10-batches-bin", "test_batch.bin"), new byte[10_000 * 3073]);
        string[] own = [.. TenNames.Reverse().Select(name => $"a {name}")];
        using var named = ImageDataset.Load(folder.Root, DataSplit.Test, classNames: own);
        Assert.Equal(own, named.ClassNames);
        Assert.Equal(0, named.Labels.max().item<long>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_archive_of_cifar10_is_read_whatever_the_order_of_its_entries(bool compressed)
    {
        using var folder = new DataFolder();
        var entries = Ten().Reverse().Select(file => ($"cifar-10-batches-bin/{file.Name}", file.Bytes)).Prepend(("readme.html", [1, 2, 3]));
        var tar = Tar(entries);
        var path = folder.Write("cifar-10-binary.tar.gz", compressed ? DataFolder.Gzip(tar) : tar);
        using var train = Cifar.Load(path, DataSplit.Train, Rows);
        using var test = Cifar.Load(path, DataSplit.Test, Rows);
        AssertTen(train, test);
    }

    [Fact]
    public void Cifar100_is_read_with_its_fine_labels_and_their_names()
    {
        using var folder = new DataFolder();
        var rows = File(2, fine: [99, 0, 57], coarse: 19);
        folder.Write("cifar-100-binary/train.bin", rows);
        folder.Write("cifar-100-binary/fine_label_names.txt",
            System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 100).Select(i => $"name{i}\n"))));
        using var train = Cifar.Load(folder.Root, DataSplit.Train, Rows);
        Assert.Equal([99, 0, 57], train.Labels.data<long>().ToArray());
        Assert.Equal("name99", train.ClassNames[99]);
        Assert.Equal(rows[(2 * 3074 + 2)..], train.Images.data<byte>().ToArray()[(2 * 3072)..]);
        DataFolder.AssertFault(folder.Root, 0, "Test split", "a folder without it", () => Cifar.Load(folder.Root, DataSplit.Test, Rows));
    }

    [Fact]
    public void A_truncated_file_is_refused_with_file_offset_expected_found()
    {
        using var folder = new DataFolder();
        var path = folder.Write("test_batch.bin", File(0)[..5000]);
        DataFolder.AssertFault(path, 5000, "9219 bytes, 3 rows of 3073", "5000 bytes", Load);
        // Cut at the end of a row: the number of rows is known. By default it is the published one.
        folder.Write("test_batch.bin", File(0)[..3073]);
        DataFolder.AssertFault(path, 3073, "9219 bytes", "3073 bytes", Load);
        DataFolder.AssertFault(path, 3073, "30730000 bytes, 10000 rows", "3073 bytes", () => Cifar.Load(folder.Root, DataSplit.Test));
        folder.Write("test_batch.bin", [.. File(0), 0]);
        DataFolder.AssertFault(path, 9219, "9219 bytes", "9220 bytes", Load);

        void Load() => Cifar.Load(folder.Root, DataSplit.Test, Rows);
    }

    [Fact]
    public void A_wrong_label_byte_is_refused_with_file_offset_expected_found()
    {
        using var folder = new DataFolder();
        var path = folder.Write("test_batch.bin", File(0, fine: [3, 9, 10]));
        DataFolder.AssertFault(path, 2 * 3073, "a label from 0 to 9 in row 2", "10", () => Cifar.Load(folder.Root, DataSplit.Test, Rows));

        using var hundred = new DataFolder();
        path = hundred.Write("test.bin", File(0, fine: [3, 100, 10], coarse: 4));
        DataFolder.AssertFault(path, 3075, "a label from 0 to 99 in row 1", "100", () => Cifar.Load(hundred.Root, DataSplit.Test, Rows));
    }

    [Fact]
    public void Missing_files_and_wrong_names_are_refused()
    {
        using var folder = new DataFolder();
        foreach (var (name, bytes) in Ten()) folder.Write(name, bytes);
        System.IO.File.Delete(folder.File("data_batch_3.bin"));
        var missing = folder.File("data_batch_3.bin");
        DataFolder.AssertFault(missing, 0, "a file", "none", () => Cifar.Load(folder.Root, DataSplit.Train, Rows));
        var names = folder.Write("batches.meta.txt", "cat\ndog\n"u8.ToArray());
        DataFolder.AssertFault(names, 0, "10 class names, one a line", "2", () => Cifar.Load(folder.Root, DataSplit.Test, Rows));
        var nowhere = folder.File("nowhere");
        DataFolder.AssertFault(nowhere, 0, "a file", "none", () => Cifar.Load(nowhere, DataSplit.Test));
        folder.Write("cifar-100-binary/test.bin", File(0, coarse: 1));
        DataFolder.AssertFault(folder.Root, 0, "one data set", "2: ", () => Cifar.Load(folder.Root, DataSplit.Test, Rows));
    }

    [Fact]
    public void Faults_inside_an_archive_name_the_archive_and_the_entry()
    {
        using var folder = new DataFolder();
        var path = folder.File("x.tar.gz");
        const string Entry = "cifar-10-batches-bin/test_batch.bin";
        Archive((Entry, File(0, fine: [3, 9, 77])));
        DataFolder.AssertFault($"{path}:{Entry}", 2 * 3073, "a label from 0 to 9", "77", Test);
        Archive((Entry, File(0)[..4000]));
        DataFolder.AssertFault($"{path}:{Entry}", 4000, "9219 bytes", "4000 bytes", Test);
        Archive((Entry, File(0)), ("other/test_batch.bin", File(0)));
        DataFolder.AssertFault($"{path}:other/test_batch.bin", 0, "every file once", "a second", Test);
        Archive((Entry, File(0)), ("test.bin", File(0, coarse: 1)));
        DataFolder.AssertFault(path, 0, "one data set", "CIFAR-10 and CIFAR-100", Test);
        Archive(("a/data_batch_2.bin", File(0)));
        DataFolder.AssertFault(path, 0, "CIFAR-10 with data_batch_1.bin", "only data_batch_2.bin", Train);
        DataFolder.AssertFault(path, 0, "Test split", "an archive without it", Test);

        void Test() => Cifar.Load(path, DataSplit.Test, Rows);
        void Train() => Cifar.Load(path, DataSplit.Train, Rows);
        void Archive(params (string, byte[])[] entries) => folder.Write("x.tar.gz", DataFolder.Gzip(Tar(entries)));
    }

    [Fact]
    public void A_damaged_archive_is_refused_or_read_to_the_same_bytes()
    {
        using var folder = new DataFolder();
        var tar = Tar([("cifar-10-batches-bin/test_batch.bin", File(5))]);
        var packed = DataFolder.Gzip(tar);
        using var sound = Cifar.Load(folder.Write("sound.tar.gz", packed), DataSplit.Test, Rows);
        var pixels = sound.Images.data<byte>().ToArray();
        var random = new Random(2);
        for (var i = 0; i < 90; i++)
        {
            var source = i % 2 == 0 ? packed : tar;
            var damaged = (byte[])source.Clone();
            if (i % 3 == 0) damaged = damaged[..random.Next(0, Math.Min(9000, damaged.Length - 10))];
            // Flips in a plain archive go to the entry's header: its rows hold nothing by which a changed pixel could be told.
            else damaged[i % 2 == 0 ? random.Next(damaged.Length) : random.Next(512, 1024)] ^= (byte)(1 << random.Next(8));
            var path = folder.Write("x.tar.gz", damaged);
            try
            {
                using var data = Cifar.Load(path, DataSplit.Test, Rows);
                Assert.Equal(pixels, data.Images.data<byte>().ToArray());
                Assert.NotEqual(0, i % 3);
            }
            catch (DataFileException exception)
            {
                Assert.StartsWith(path, exception.Path);
            }
        }
    }

    [Fact]
    public void Hostile_archives_are_refused()
    {
        using var folder = new DataFolder();
        const string Entry = "test_batch.bin";
        var path = folder.File("x.tar");
        // A path that leads elsewhere leads nowhere.
        using (Cifar.Load(folder.Write("x.tar", Tar([($"../../{Entry}", File(0))])), DataSplit.Test, Rows)) { }
        Assert.Equal(["x.tar"], Directory.GetFileSystemEntries(folder.Root).Select(Path.GetFileName));
        // Links, and whatever else is not a plain file; those of GNU among them, which System.Formats.Tar does not read.
        foreach (var type in "1234567DMNSV") Refused(156, $"{type}");
        // Sizes: more than there is, less than none, extended headers of two gigabytes.
        Refused(124, "77777777777");
        Refused(124, "-0000000001");
        foreach (var type in "xgLK") Refused(124, "16711330000", type);

        void Refused(int offset, string value, char type = '0')
        {
            var tar = Tar([(Entry, File(0))]);
            tar[512 + 156] = (byte)type;
            System.Text.Encoding.ASCII.GetBytes(value).CopyTo(tar, 512 + offset);
            folder.Write("x.tar", tar);
            var fault = Assert.Throws<DataFileException>(() => Cifar.Load(path, DataSplit.Test, Rows));
            Assert.StartsWith(path, fault.Path);
        }
    }

    [Fact]
    public void An_archive_longer_than_its_limit_is_refused_when_the_limit_is_reached()
    {
        using var stream = new TarStream(new MemoryStream(new byte[100]), "x", 90);
        var fault = Assert.Throws<DataFileException>(() => stream.CopyTo(Stream.Null, 40));
        Assert.Equal(("x", 90, "at most 90 unpacked bytes", "more"), (fault.Path, fault.Offset, fault.Expected, fault.Found));
        new TarStream(new MemoryStream(new byte[90]), "x", 90).CopyTo(Stream.Null);
    }

    [CifarFact]
    public void The_real_cifar10_has_the_rows_that_the_traces_name()
    {
        using var scope = NewDisposeScope();
        using var test = Cifar.Load(Environment.GetEnvironmentVariable("ARD_DATA")!, DataSplit.Test);
        Assert.Equal([10000, 3, 32, 32], test.Images.shape);
        Assert.Equal(TenNames, test.ClassNames);
        Assert.All(test.Labels.data<long>().ToArray().CountBy(label => label), count => Assert.Equal(1000, count.Value));
        var trace = Safetensors.Read(Shared.Path("reference/traces/cnn_a_weights.safetensors"));
        using var rows = test.Take(256);
        Assert.Equal(trace["labels"].data<long>().ToArray(), rows.Labels.data<long>().ToArray());
        Assert.Equal(trace["pixel_sum"].data<long>().ToArray(), rows.Images.to(ScalarType.Int64).sum([1L, 2L, 3L]).data<long>().ToArray());

        var common = Safetensors.Read(Shared.Path("reference/traces/common_batch_and_teacher.safetensors"));
        using var train = Cifar.Load(Environment.GetEnvironmentVariable("ARD_DATA")!, DataSplit.Train);
        Assert.Equal([50000, 3, 32, 32], train.Images.shape);
        var (images, labels) = train.Batch(0, 16);
        Assert.Equal(common["inputs"].data<float>().ToArray(), images.data<float>().ToArray());
        Assert.Equal(common["labels"].data<long>().ToArray(), labels.data<long>().ToArray());
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Ten()
    {
        for (var i = 1; i <= 5; i++) yield return ($"data_batch_{i}.bin", File(i));
        yield return ("test_batch.bin", File(6));
        yield return ("batches.meta.txt", System.Text.Encoding.ASCII.GetBytes(string.Join('\n', TenNames) + "\n\n"));
    }

    /// <summary>Three rows whose labels and pixels differ from file to file.</summary>
    private static byte[] File(int number, byte[]? fine = null, byte? coarse = null)
    {
        var bytes = new List<byte>();
        for (var row = 0; row < Rows; row++)
        {
            if (coarse is { } label) bytes.Add(label);
            bytes.Add(fine is null ? (byte)((number * Rows + row) % 10) : fine[row]);
            bytes.AddRange(DataFolder.Pattern(3072, start: 1000 * number + 100 * row));
        }
        return [.. bytes];
    }

    private static byte[] Tar(IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            writer.WriteEntry(new UstarTarEntry(TarEntryType.Directory, "cifar-10-batches-bin"));
            foreach (var (name, bytes) in entries)
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
        }
        return stream.ToArray();
    }

    private static void AssertTen(ImageDataset train, ImageDataset test)
    {
        Assert.Equal([5 * Rows, 3, 32, 32], train.Images.shape);
        Assert.Equal(Enumerable.Range(Rows, 5 * Rows).Select(i => i % 10L), train.Labels.data<long>().ToArray());
        var expected = Enumerable.Range(1, 5).SelectMany(i => File(i).Chunk(3073)).SelectMany(row => row[1..]).ToArray();
        Assert.Equal(expected, train.Images.data<byte>().ToArray());
        Assert.Equal(File(6).Chunk(3073).SelectMany(row => row[1..]).ToArray(), test.Images.data<byte>().ToArray());
        Assert.Equal(TenNames, train.ClassNames);
        Assert.Equal(TenNames, test.ClassNames);
    }

    /// <summary>A test on the real CIFAR-10, in the folder that ARD_DATA names.</summary>
    private sealed class CifarFactAttribute : FactAttribute
    {
        public CifarFactAttribute()
        {
            var folder = Environment.GetEnvironmentVariable("ARD_DATA");
            if (folder is null || !Directory.Exists(Path.Combine(folder, "cifar-10-batches-bin")))
                Skip = "needs the folder cifar-10-batches-bin (set ARD_DATA to the folder that holds it)";
            else if (!Shared.Has("reference/traces")) Skip = "needs the shared files reference/traces (set ARD_SHARED to their folder)";
        }
    }
}
