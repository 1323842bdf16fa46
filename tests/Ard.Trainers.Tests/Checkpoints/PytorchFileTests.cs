using System.IO.Compression;
using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>Files of torch.save: honest ones of both kinds are read, and hostile ones are refused by what is wrong with them.</summary>
public sealed class PytorchFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-pytorch-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    internal static string Fixture(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Fixtures", name);

    private string Written(byte[] contents)
    {
        var path = Path.Combine(folder, "file.pt");
        File.WriteAllBytes(path, contents);
        return path;
    }

    private static void ReadAll(string path)
    {
        using var file = WeightsFile.Open(path);
        foreach (var tensor in file.Read().Values) tensor.Dispose();
    }

    private DataFileException Refused(byte[] contents)
    {
        var path = Written(contents);
        var before = LiveTensors;
        var fault = Assert.Throws<DataFileException>(() => ReadAll(path));
        Assert.Equal(before, LiveTensors);
        Assert.Contains(path, fault.Message);
        return fault;
    }

    private static long LiveTensors => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    [Theory]
    [InlineData("kinds.pt", "PytorchArchive")]
    [InlineData("kinds.legacy.pt", "PytorchLegacy")]
    public void Every_type_of_elements_and_every_layout_comes_back(string name, string format)
    {
        using var scope = NewDisposeScope();
        using var file = WeightsFile.Open(Fixture(name));
        Assert.Equal($"{format}, 18 tensors", $"{file}");
        Assert.Equal("", file.Key);
        var tensors = file.Read();
        Assert.Equal(18, tensors.Count);
        Assert.Equal(tensors.Keys, file.Tensors.Select(tensor => tensor.Name));
        foreach (var info in file.Tensors)
        {
            Assert.Equal(info.Shape, tensors[info.Name].shape);
            Assert.Equal(info.Type, tensors[info.Name].dtype);
        }
        foreach (var (key, type) in new[]
        {
            ("float64", ScalarType.Float64), ("float32", ScalarType.Float32), ("float16", ScalarType.Float16),
            ("bfloat16", ScalarType.BFloat16), ("int64", ScalarType.Int64), ("int32", ScalarType.Int32), ("int16", ScalarType.Int16),
            ("int8", ScalarType.Int8), ("uint8", ScalarType.Byte),
        })
        {
            Assert.Equal(type, tensors[key].dtype);
            Same(key, [2, 3], 0, 1, 2, 3, 4, 5);
        }
        Same("bool", [3], 1, 0, 1);
        Same("scalar", [], 7);
        Same("empty", [0, 3]);
        Same("transposed", [6, 4], 0, 6, 12, 18, 1, 7, 13, 19, 2, 8, 14, 20, 3, 9, 15, 21, 4, 10, 16, 22, 5, 11, 17, 23);
        Same("strided", [5], 2, 7, 12, 17, 22);
        Same("channels_last", [1, 3, 2, 4], [.. Enumerable.Range(0, 24).Select(i => (double)i)]);
        Assert.Equal(1, tensors["channels_last"].stride()[1]);
        Same("shared_head", [4], 0, 1, 2, 3);
        Same("shared_tail", [7], 3, 4, 5, 6, 7, 8, 9);
        Same("parameter", [3], 0, 1, 2);
        tensors["shared_tail"].fill_(-1);
        Same("shared_head", [4], 0, 1, 2, -1);

        void Same(string key, long[] shape, params double[] values)
        {
            Assert.Equal(shape, tensors[key].shape);
            // TorchSharp 0.107 cannot copy out of a tensor without elements.
            var found = tensors[key].to(ScalarType.Float64).contiguous();
            Assert.Equal(values, found.numel() == 0 ? [] : found.data<double>().ToArray());
        }
    }

    [Theory]
    [InlineData("checkpoint.pt")]
    [InlineData("checkpoint.legacy.pt")]
    public void The_state_dict_of_a_training_checkpoint_is_found_and_the_rest_named(string name)
    {
        using var file = WeightsFile.Open(Fixture(name));
        Assert.Equal("state_dict", file.Key);
        Assert.Equal(20, file.Tensors.Count);
        Assert.Equal("module.net.0.weight Float32 [2,3,3,3]", $"{file.Tensors[0]}");
        Assert.Contains("optimizer.state.[0]", file.Others);
        using var other = WeightsFile.Open(Fixture(name), "optimizer.state.[0]");
        Assert.Equal("momentum_buffer Float32 [2,3,3,3]", $"{Assert.Single(other.Tensors)}");
        Assert.Contains("'state_dict'", Assert.Throws<DataFileException>(() => WeightsFile.Open(Fixture(name), "ema")).Message);
    }

    [Fact]
    public void No_tensor_and_no_file_is_left_open()
    {
        var before = LiveTensors;
        var copy = Path.Combine(folder, "copy.pt");
        foreach (var name in new[] { "kinds.pt", "kinds.legacy.pt" })
        {
            File.Copy(Fixture(name), copy);
            ReadAll(copy);
            File.Move(copy, copy + ".moved");
            File.Delete(copy + ".moved");
        }
        Assert.Equal(before, LiveTensors);
    }

    [Fact]
    public void A_key_that_looks_like_another_numbered_one_is_the_files_fault()
    {
        // 7 and 7.0 look alike; the second would get the name that the text has.
        var pickle = Pickle.Of(p => p.Raw('}', '(').Text("[7]#2").Raw('N').Whole(7).Raw('N').Raw('G', 0x40, 0x1c, 0, 0, 0, 0, 0, 0)
            .Raw('N', 'u'));
        Assert.Equal("every key once", Refused(Pickle.Archive(pickle)).Expected);
    }

    [Theory]
    [InlineData("tensor.pt", "one tensor without a name")]
    [InlineData("module.pt", "'torch.nn.modules.linear.Linear', which is never looked up")]
    [InlineData("program.pt", "TorchScript")]
    public void Other_things_that_torch_saves_are_refused_by_name(string name, string expected) =>
        Assert.Contains(expected, Assert.Throws<DataFileException>(() => ReadAll(Fixture(name))).Message);

    // ---- Pickles that would run something in Python ----

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("nt", "system")]
    [InlineData("subprocess", "Popen")]
    [InlineData("builtins", "eval")]
    [InlineData("builtins", "exec")]
    [InlineData("__builtin__", "eval")]
    [InlineData("builtins", "getattr")]
    [InlineData("builtins", "__import__")]
    [InlineData("torch.hub", "load")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("torch", "load")]
    [InlineData("torch.jit", "load")]
    [InlineData("torch._utils", "_rebuild_wrapper_subclass")]
    [InlineData("collections", "Counter")]
    [InlineData("numpy.core.multiarray", "scalar")]
    [InlineData("collections.OrderedDict", "fromkeys")]
    [InlineData("torch._utils._rebuild_tensor_v2", "__globals__")]
    public void A_global_that_is_not_known_is_an_opaque_value_with_its_name(string module, string name)
    {
        Action<Pickle> called = q => q.Global(module, name).Tuple(r => r.Text("touch owned")).Call();
        Action<Pickle> stacked = q => q.Text(module).Text(name).Raw(0x93).Tuple(r => r.Text("touch owned")).Call();
        foreach (var value in new[] { called, stacked })
        {
            // Alone it is no state dict; with items and a state of its own neither.
            foreach (var pickle in new[]
            {
                Pickle.Of(p => p.Item("weight", value)), Pickle.Of(value),
                Pickle.Of(p => p.Raw('}').Text("weight").Do(value).Raw('(').Text("a").Text("b").Raw('u').Text("c").Raw('b', 's')),
            })
            {
                Assert.Contains($"'{module}.{name}', which is never looked up", Refused(Pickle.Archive(pickle)).Found);
                Assert.Contains($"'{module}.{name}'", Refused(Legacy([.. pickle, 0x80, 2, (byte)']', (byte)'.'])).Found);
            }
            // Beside tensors it is left out by its name.
            var path = Written(Pickle.Archive(
                Pickle.Of(p => p.Raw('}', '(').Text("x").Tensor([1], [1], 1).Text("object").Do(value).Raw('u')),
                [("archive/data/0", new byte[4])]));
            using var file = WeightsFile.Open(path);
            Assert.Equal("x", Assert.Single(file.Tensors).Name);
            Assert.Equal([$"object ({module}.{name})"], file.Others);
        }
    }

    // A pickle behind the three that every older file begins with.
    internal static byte[] Legacy(byte[] pickle)
    {
        var file = File.ReadAllBytes(Fixture("kinds.legacy.pt"));
        var main = file.AsSpan().IndexOf("}q\x00(X\x10\x00\x00\x00protocol_version"u8);
        var end = main + file.AsSpan(main).IndexOf("little_endian"u8);
        while (file[end++] != (byte)'.') { }
        return [.. file[..end], .. pickle];
    }

    public static TheoryData<string, string> Opcodes => new()
    {
        { "(S'touch owned'\nios\nsystem\n.", "STRING" },
        { "(ios\nsystem\n.", "INST" },
        { "(No.", "OBJ" },
        { "Pid\n.", "PERSID" },
        { "I1\n.", "INT" },
        { "\u0082\u0001.", "EXT" },
        { "\u0092.", "a value on the stack" },
        { "\u0091.", "a mark" },
        { "(N\u0090.", "a value on the stack" },
        { "\u0097.", "NEXT_BUFFER" },
        { "\u0096\u0009\0\0\0\0\0\0\0x.", "9 more byte(s)" },
        { "\u00ff.", "0xff" },
        { "NR.", "number of" },
        { "NNR.", "a global to be called" },
        { "ccollections\nOrderedDict\n(Nt\u0081.", "the arguments that PyTorch gives 'collections.OrderedDict'" },
        { "ctorch._utils\n_rebuild_tensor_v2\n)R.", "_rebuild_tensor_v2" },
        { "ctorch\nFloatStorage\n)R.", "the arguments that PyTorch gives 'torch.FloatStorage'" },
        { "}Nb.", "BUILD of a dictionary from None" },
        { "N}b.", "BUILD of None" },
        { "NQ.", "persistent id" },
        { ".", "a value on the stack" },
        { "NN.", "a pickle of one value" },
        { "(N.", "a pickle of one value" },
        { "0.", "a value on the stack" },
        { "N(0.", "a value on the stack" },
        { "t.", "a mark" },
        { "NNa.", "a list" },
        { "N(u.", "a dictionary" },
        { "}(Nu.", "a value for every key" },
        { "}(U\u0001aNU\u0001aNu.", "'a' twice" },
        { "h\u0007.", "memo entry 7" },
        { "X\u0001\0\0\0\u00ff.", "UTF-8" },
        { "N", "1 more byte(s)" },
        { "\u0080\u0007.", "protocol 2 to 5" },
    };

    [Theory]
    [MemberData(nameof(Opcodes))]
    public void Other_opcodes_and_wrong_arguments_are_refused_by_name(string pickle, string expected)
    {
        var fault = Refused(Pickle.Archive([0x80, 2, .. Encoding.Latin1.GetBytes(pickle)]));
        Assert.Contains(expected.Replace("number of", "value on the stack"), fault.Message.Replace("value(s)", "value"));
        Assert.NotNull(fault.Offset);
    }

    // ---- Bombs ----

    public static TheoryData<string, Action<object>, string> Claims => new()
    {
        { "a text of 4 GB", p => As(p).Raw('X').Number(-1, 4), "4294967295 more byte(s)" },
        { "bytes of 2^60", p => As(p).Raw(0x8e).Number(1L << 60, 8), "1152921504606846976 more byte(s)" },
        { "a number of 2 GB", p => As(p).Raw(0x8b).Number(int.MaxValue, 4), "a number of at most 64 bytes" },
        { "a tensor of 2^60", p => As(p).Item("x", q => q.Tensor([1L << 60], [1], 4)), "within the 4 elements" },
        { "a tensor of 2^60 by strides of 0", p => As(p).Item("x", q => q.Tensor([1L << 60], [0], 4)), "within the 4 elements" },
        { "a product beyond 2^64", p => As(p).Item("x", q => q.Tensor([1L << 32, 1L << 32, 4], [0, 0, 1], 4)), "within the 4 elements" },
        { "strides beyond 2^64", p => As(p).Item("x", q => q.Tensor([3, 3], [long.MaxValue, long.MaxValue], 4)), "within the 4 elements" },
        { "an element before the storage", p => As(p).Item("x", q => q.Tensor([2], [1], 4, offset: -1)), "within the 4 elements" },
        { "an element after the storage", p => As(p).Item("x", q => q.Tensor([2], [1], 4, offset: 3)), "within the 4 elements" },
        { "an offset of 2^63 - 1", p => As(p).Item("x", q => q.Tensor([1], [1], 4, offset: long.MaxValue)), "within the 4 elements" },
        { "negative sizes", p => As(p).Item("x", q => q.Tensor([-1], [1], 4)), "the arguments that PyTorch gives" },
        { "negative strides", p => As(p).Item("x", q => q.Tensor([2], [-1], 4, offset: 2)), "the arguments that PyTorch gives" },
        { "fewer strides than sizes", p => As(p).Item("x", q => q.Tensor([2, 2], [1], 4)), "as many strides as sizes" },
        { "65 dimensions", p => As(p).Item("x", q => q.Tensor(new long[65], new long[65], 4)), "at most 64" },
        { "a storage of 2^60", p => As(p).Item("x", q => q.Tensor([2], [1], 1L << 60)), "1152921504606846976 elements of Float32" },
        { "a storage of -1", p => As(p).Item("x", q => q.Tensor([0], [1], -1)), "a count of elements from 0" },
        { "a storage that is longer", p => As(p).Item("x", q => q.Tensor([2], [1], 3)), "3 elements of Float32 in data/0" },
        { "a storage elsewhere", p => As(p).Item("x", q => q.Tensor([2], [1], 4, key: "../../etc/passwd")), "data/../../etc/passwd" },
        { "a complex storage", p => As(p).Item("x", q => q.Tensor([2], [1], 4, type: "ComplexFloatStorage")), "ComplexFloatStorage'" },
        { "a storage of no type", p => As(p).Item("x", q => q.Tensor([2], [1], 4, type: "NoStorage")), "torch.NoStorage'" },
        { "a name of 40,000 letters", p => As(p).Text(new string('x', 40_000)).Text("y").Raw(0x93), "names of at most 1000" },
    };

    private static Pickle As(object pickle) => (Pickle)pickle;

    [Theory]
    [MemberData(nameof(Claims))]
    public void Claims_beyond_the_file_are_refused_before_anything_is_allocated(string what, Action<object> write, string expected)
    {
        var contents = Pickle.Archive(p => write(p), storage: 16);
        Refused(contents);   // what is compiled and loaded the first time
        var before = GC.GetAllocatedBytesForCurrentThread();
        var fault = Refused(contents);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000, what);
        Assert.Contains(expected, fault.Message);
    }

    [Fact]
    public void One_storage_of_two_types_or_lengths_is_refused()
    {
        foreach (var second in new Action<Pickle>[] { p => p.Tensor([2], [1], 4, type: "IntStorage"), p => p.Tensor([1], [1], 3) })
        {
            var pickle = Pickle.Of(p =>
            {
                p.Raw('}', '(').Text("a").Tensor([4], [1], 4).Text("b");
                second(p);
                p.Raw('u');
            });
            Assert.Contains("storage '0'", Refused(Pickle.Archive(pickle, [("archive/data/0", new byte[16])])).Message
                .Replace("4 elements of Int32 in data/0", "storage '0'").Replace("3 elements of Float32 in data/0", "storage '0'"));
        }
    }

    [Fact]
    public void Nesting_sharing_and_repetition_without_bound_end_quickly_in_little_memory()
    {
        var deep = Pickle.Of(p => Repeat(p, 400_000, q => q.Raw(']')).Raw(Enumerable.Repeat((int)'a', 399_999).ToArray()));
        var deepTuples = Pickle.Of(p => Repeat(p.Raw('N'), 400_000, q => q.Raw(0x85)));
        // Each list has the one before it twice: 2^100000 leaves if it were unfolded.
        var laughs = Pickle.Of(p => Repeat(p.Raw(']', 'q', 0), 100_000, q => q.Raw('0', ']', '(', 'h', 0, 'h', 0, 'e', 'q', 0)));
        var laughingDictionaries = Pickle.Of(p => Repeat(p.Raw('}', 'q', 0), 50_000,
            q => q.Raw('0', '}', '(', 'U', 1, 'a', 'h', 0, 'U', 1, 'b', 'h', 0, 'u', 'q', 0)));
        var itself = Pickle.Of(p => p.Raw('}', 'q', 0).Text("self").Raw('h', 0, 's'));
        var memo = Pickle.Of(p => Repeat(p.Raw('N'), 200_000, q => q.Raw('r').Number(Random.Shared.Next(), 4)));
        foreach (var pickle in new[] { deep, deepTuples, laughs, laughingDictionaries, itself, memo })
        {
            Assert.Contains("a state dict", Refused(Pickle.Archive(pickle)).Expected);
            Assert.NotEmpty(Refused(Legacy(pickle)).Message);
        }
        var dictionaries = Pickle.Of(p => Repeat(p, 1_100_000, q => q.Raw('}')));
        var upAndDown = Pickle.Of(p => Repeat(p.Raw('N'), 600_000, q => q.Raw('2', '0')));
        foreach (var endless in new[] { dictionaries, upAndDown })
            Assert.Contains("at most 1000000 operations", Refused(Pickle.Archive(endless)).Message);

        // What is in the memo once, made anew by every call.
        var texts = Pickle.Of(p => Repeat(p.Text(new string('x', 10_000)).Raw('q', 0), 1000,
            q => q.Global("_codecs", "encode").Tuple(r => r.Raw('h', 0), r => r.Text("latin1")).Call()));
        var pairs = Pickle.Of(p =>
        {
            p.Raw(']', 'q', 0, '(');
            for (var i = 0; i < 1000; i++) p.Tuple(q => q.Text($"{i}"), q => q.Raw('N'));
            Repeat(p.Raw('e'), 1000, q => q.Global("collections", "OrderedDict").Tuple(r => r.Raw('h', 0)).Call());
        });
        // A tuple in the memo, whose numbers each call would copy; a name that each call makes longer.
        Pickle Zeros(Pickle p, int count) => Repeat(p.Raw('('), count, q => q.Raw('K', 0)).Raw('t');
        Pickle Calls(Pickle p, int count) => Repeat(p.Raw('q', 1, '0', 'q', 0, '0'), count, q => q.Raw('h', 0, 'h', 1, 'R'));
        var arrays = Pickle.Of(p => Calls(p.Global("numpy.core.numeric", "_frombuffer").Tuple(
            q => q.Raw('C', 0), q => q.Global("numpy", "dtype").Tuple(r => r.Text("u1")).Call(), q => Zeros(q, 20_000),
            q => q.Text("C")), 200));
        var sizes = Pickle.Of(p => Calls(p.Global("torch", "Size").Tuple(q => Zeros(q, 20_000)), 200));
        var views = Pickle.Of(p => Calls(p.Global("torch._utils", "_rebuild_tensor_v2").Tuple(
            q => q.Tuple(
                r => r.Text("storage"), r => r.Global("torch", "FloatStorage"), r => r.Text("0"), r => r.Text("cpu"),
                r => r.Whole(1)).Raw('Q'),
            q => q.Whole(0), q => Zeros(q, 64), q => Zeros(q, 64), q => q.Raw(0x89)), 5000));
        var names = Pickle.Of(p => Repeat(p.Global("torch._utils", "_rebuild_tensor").Raw('q', 0).Tuple(
            q => q.Text("storage"), q => q.Global("torch", "ComplexFloatStorage"), q => q.Text("0"), q => q.Text("cpu"), q => q.Whole(1))
            .Raw('Q', 'q', 1), 5000, q => q.Raw('0', 'h', 0, 'h', 1, 0x85, 'R', 'q', 1)));
        foreach (var pickle in new[] { texts, pairs, arrays, sizes, views, names })
            Assert.Contains("calls that make at most", Refused(Pickle.Archive(pickle)).Message);

        // Dictionaries with the one tensor, each of which would be known by all the keys above it.
        Pickle Dictionaries(Pickle p, int count)
        {
            p.Raw('}', '(');
            for (var i = 0; i < count; i++) p.Text($"{i}").Raw('}').Text("t").Raw('h', 0, 's');
            return p.Raw('u');
        }
        byte[] Tensors(Action<Pickle> write) => Pickle.Archive(
            p => p.Raw('}').Text("t").Tensor([1], [1], 1).Raw('q', 0, 's').Text("d").Do(write).Raw('s'), storage: 4);
        Assert.Contains("at most 20000 dictionaries with tensors", Refused(Tensors(p => Dictionaries(p, 20_001))).Message);
        var path = Written(Tensors(p => p.Item(new string('a', 1000), q => q.Item(new string('b', 1000), r => Dictionaries(r, 10)))));
        using (var file = WeightsFile.Open(path)) Assert.Empty(file.Others);
        Written(Tensors(p =>
        {
            p.Raw('N', 's', '(');
            for (var i = 0; i < 20_001; i++) p.Text($"{i}").Raw('N');
            p.Raw('u').Text("d2").Raw('N');
        }));
        using (var file = WeightsFile.Open(path)) Assert.Equal(20_000, file.Others.Count);
        Assert.Contains("keys of at most 1000", Refused(Pickle.Archive(Pickle.Of(
            p => p.Item(new string('k', 1001), q => q.Raw('N'))))).Message);
        Assert.Contains("a tensor within", Refused(Pickle.Archive(Pickle.Of(
            p => p.Item("a", q => q.Tensor([int.MaxValue, int.MaxValue, int.MaxValue, 0], [0, 0, 0, 0], 0))))).Message);

        static Pickle Repeat(Pickle pickle, int count, Action<Pickle> write)
        {
            for (var i = 0; i < count; i++) write(pickle);
            return pickle;
        }
    }

    [Fact]
    public void Views_that_multiply_one_storage_are_refused()
    {
        var contents = Pickle.Archive(p =>
        {
            p.Raw('}', '(');
            for (var i = 0; i < 3000; i++) p.Text($"{i}").Tensor([250_000], [1], 250_000);
            p.Raw('u');
        }, storage: 1_000_000);
        Assert.Contains("share at most 8 times", Refused(contents).Message);
    }

    // ---- Archives ----

    private static byte[] WithEntry(string name, byte[]? contents = null) => Pickle.Archive(
        Pickle.Of(p => p.Item("x", q => q.Tensor([1], [1], 1))), [("archive/data/0", [1, 2, 3, 4]), (name, contents ?? [1])]);

    [Theory]
    [InlineData("archive/../../../etc/passwd")]
    [InlineData("../archive/data/1")]
    [InlineData("/etc/passwd")]
    [InlineData("archive/data\\..\\..\\1")]
    [InlineData("C:/windows")]
    [InlineData("archive//data/1")]
    public void Paths_that_lead_elsewhere_are_refused_by_name(string name)
    {
        var fault = Refused(WithEntry(name));
        Assert.Contains("leads elsewhere", fault.Message);
        Assert.Contains(name, fault.Path);
    }

    [Fact]
    public void Entries_outside_of_the_folder_twice_or_without_the_pickle_are_refused()
    {
        ReadAll(Written(WithEntry("archive/version")));
        Assert.Contains("a file outside of it", Refused(WithEntry("other/data/1")).Message);
        Assert.Contains("a file outside of it", Refused(WithEntry("data.pkl")).Message);
        Assert.Contains("a second one", Refused(WithEntry("archive/data/0")).Message);
        Assert.Contains("a second one", Refused(WithEntry("archive/data.pkl")).Message);
        Assert.Contains("data.pkl", Refused(Archive("archive/other", [1])).Message);
        Assert.Contains("a model of ML.NET", Refused(Archive("TrainingInfo/Version.txt", [1])).Message);
        Assert.Contains("little", Refused(WithEntry("archive/byteorder", "big"u8.ToArray())).Message);
        ReadAll(Written(WithEntry("archive/byteorder", "little"u8.ToArray())));
    }

    private static byte[] Archive(string name, byte[] contents)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open())
            entry.Write(contents);
        return stream.ToArray();
    }

    [Fact]
    public void A_zip_bomb_is_refused_by_name()
    {
        var bomb = Pickle.Archive(
            Pickle.Of(p => p.Item("x", q => q.Tensor([25_000_000], [1], 25_000_000))), [("archive/data/0", new byte[100_000_000])],
            CompressionLevel.SmallestSize);
        Assert.True(bomb.Length < 200_000);
        Assert.Contains("a compressed one", Refused(bomb).Message);

        // Fifield's: entries that lie on top of each other, the last one listed fifty times under different names.
        var one = WithEntry("archive/data/100", new byte[1000]);
        var last = one.AsSpan().LastIndexOf("PK\x01\x02"u8);
        var directory = one.AsSpan().IndexOf("PK\x01\x02"u8);
        var many = new List<byte>(one[..last]);
        for (var i = 0; i < 50; i++)
        {
            var entry = one[last..^22];
            Encoding.ASCII.GetBytes($"{100 + i}").CopyTo(entry, entry.Length - 3);
            many.AddRange(entry);
        }
        Assert.Contains("entries within", Refused(WithDirectory(many, one, directory, 52)).Message);
    }

    // Ends an archive whose directory begins there with so many entries.
    private static byte[] WithDirectory(List<byte> contents, byte[] original, int begin, ushort count)
    {
        var end = original[^22..];
        BitConverter.TryWriteBytes(end.AsSpan(8), count);
        BitConverter.TryWriteBytes(end.AsSpan(10), count);
        BitConverter.TryWriteBytes(end.AsSpan(12), contents.Count - begin);
        BitConverter.TryWriteBytes(end.AsSpan(16), begin);
        return [.. contents, .. end];
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        foreach (var name in new[] { "kinds.pt", "kinds.legacy.pt" })
        {
            var whole = File.ReadAllBytes(Fixture(name));
            for (var length = 0; length < whole.Length; length += 13) Refused(whole[..length]);
        }
        Assert.Contains("the end of the file", Refused([.. File.ReadAllBytes(Fixture("kinds.legacy.pt")), 0]).Expected);
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid", "Git LFS")]
    [InlineData("<!DOCTYPE html><html>", "a web page")]
    [InlineData("\u001f\u008b\u0008", "gzip")]
    [InlineData("\u0080\u0004\u0095\0\0", "a pickle that torch.save has not written")]
    [InlineData("\u0089HDF\r\n", "HDF5")]
    [InlineData("/annex/objects/MD5E-s1--0.pt\n", "git-annex")]
    [InlineData("\r\n  <html>", "a web page")]
    [InlineData("{\"metadata\": {}, \"weight_map\": {}}", "JSON")]
    [InlineData("\u0089PNG\r\n\u001a\n\0\0\0\rIHDR", "an image")]
    [InlineData("\u00ff\u00d8\u00ff\u00e0\0\u0010JFIF", "an image")]
    [InlineData("\u0008\u0008\u0012\u0007pytorch\u001a\u00052.1.0", "ONNX")]
    [InlineData("", "an empty file")]
    [InlineData("short", "begins with the bytes 73686f7274")]
    [InlineData("GGUF\u0003\0\0\0\u0001\0\0\0", "begins with the bytes 4747554603000000")]
    public void Files_of_another_kind_are_named(string beginning, string expected) =>
        Assert.Contains(expected, Refused(Encoding.Latin1.GetBytes(beginning)).Message);
}
