namespace Ard.Trainers.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-safetensors-").FullName;

    private string FileName => Path.Combine(folder, "tensors.safetensors");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // A file with this header and payload, its length field right unless given.
    private string Foreign(string header, byte[] payload, long? length = null)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + bytes.Length + payload.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, length ?? bytes.Length);
        bytes.CopyTo(file, 8);
        payload.CopyTo(file, 8 + bytes.Length);
        File.WriteAllBytes(FileName, file);
        return FileName;
    }

    private static DataFileException Refused(string path)
    {
        var before = LiveTensors;
        var fault = Assert.Throws<DataFileException>(() => Safetensors.Read(path));
        Assert.Equal(before, LiveTensors);
        Assert.Contains(path, fault.Message);
        Assert.Contains($"offset {fault.Offset}", fault.Message);
        Assert.Contains(fault.Expected, fault.Message);
        Assert.Contains(fault.Found, fault.Message);
        return fault;
    }

    private static bool SameBytes(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return a.bytes.SequenceEqual(b.contiguous().bytes);
    }

    // Of this thread, so that tests beside this one do not count.
    private static long LiveTensors => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private string Sample()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        Safetensors.Write(FileName,
            [("layer.weight", empty(3, 5).normal_(0, 1, generator)), ("layer.count", tensor(12L)),
                ("mask", tensor(new[] { true, false, true }))],
            new Dictionary<string, string> { ["note"] = "a \"quoted\" text, ünïcode" });
        return FileName;
    }

    // The first bytes of a safetensors file are a length, which may look like the beginning of any other format.
    [Fact]
    public void Headers_of_every_length_are_read_as_safetensors_and_as_nothing_else()
    {
        const string Note = ",\"__metadata__\":{\"note\":\"";
        const string Tensor = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
        using var scope = NewDisposeScope();
        for (var length = 2; length <= 2000; length++)
        {
            // What else a format might be told by stands where it would be looked for.
            var note = length < 400 ? "" : $"{Note}{new string(' ', 257 - 8 - Tensor.Length - Note.Length)}ustar\"}}";
            var header = length < 100 ? "{" : Tensor + note;
            var path = Foreign(header.PadRight(length - 1) + "}", new byte[length < 100 ? 0 : 8]);
            using var file = WeightsFile.Open(path);
            Assert.Equal(WeightsFormat.Safetensors, file.Format);
            Assert.Equal(length < 100 ? 0 : 1, file.Read().Count);
        }
        Assert.Equal("ustar", Encoding.UTF8.GetString(File.ReadAllBytes(FileName).AsSpan(257, 5)));
    }

    [Fact]
    public void Every_built_in_network_is_read_again_whatever_its_header_is_long()
    {
        string[] others = ["resnet8", "resnet20-4", "resnet18-2", "preactresnet18-2", "preactresnet18-2-bn", "wideresnet-10-1",
            "wideresnet-10-1-sub_block1"];
        NetworkSpec[] specs =
        [
            .. from name in (string[])["tinycnn", "smallcnn"]
               from width in Enumerable.Range(1, 24).Append(64)
               from suffix in (string[])["", "-bn"]
               select NetworkSpec.Parse($"{name}-{width}{suffix}") with { ImageSize = 8 },
            .. others.Select(NetworkSpec.Parse),
        ];
        foreach (var spec in specs.SelectMany(spec => new[]
        {
            spec,
            spec with { InputChannels = 1, Mean = [0.1307], Std = [0.3081] },
            spec with { Classes = 7, Mean = [0.5, 0.5, 0.5], Std = [1, 1, 1] },
        }))
        {
            using var scope = NewDisposeScope();
            using var network = spec.Build(seed: 1);
            ModelFile.Write(FileName, network);
            using var read = ModelFile.Read(FileName);
            Assert.Equal(network.state_dict().Count, read.state_dict().Count);
        }
    }

    public static TheoryData<ScalarType> DataTypes =>
        [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
         ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool];

    [Theory]
    [MemberData(nameof(DataTypes))]
    public void Every_element_type_comes_back_bit_for_bit_with_its_shape(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var values = tensor(new float[] { 0, 1, 2, 3, 4, 5 }).to_type(type).reshape(2, 3);
        Safetensors.Write(FileName, [("matrix", values), ("view", values.t()), ("scalar", values[0, 1]), ("none", empty([0, 4], type))]);
        var read = Safetensors.Read(FileName);
        Assert.Equal(["matrix", "none", "scalar", "view"], read.Keys.Order());
        Assert.Equal([2L, 3L], read["matrix"].shape);
        Assert.Equal([3L, 2L], read["view"].shape);
        Assert.Empty(read["scalar"].shape);
        Assert.Equal([0L, 4L], read["none"].shape);
        Assert.All(read.Values, t => Assert.Equal(type, t.dtype));
        Assert.True(SameBytes(read["matrix"], values));
        Assert.True(SameBytes(read["view"], values.t()));
        Assert.True(SameBytes(read["scalar"], values[0, 1]));
    }

    [Fact]
    public void Not_a_number_infinity_and_negative_zero_keep_their_bits()
    {
        using var scope = NewDisposeScope();
        float[] values = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, float.Epsilon];
        Safetensors.Write(FileName, [("x", tensor(values))]);
        var read = Safetensors.Read(FileName)["x"].data<float>().ToArray();
        Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), read.Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void The_bytes_are_those_that_the_format_prescribes()
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(FileName, [("b", tensor(new byte[] { 7, 8 })), ("a", tensor(new[] { 1f, -2f }))]);
        var file = File.ReadAllBytes(FileName);
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        Assert.Equal(0, length % 8);
        using var header = System.Text.Json.JsonDocument.Parse(file.AsMemory(8, length));
        Assert.Equal("""{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", header.RootElement.GetProperty("a").GetRawText());
        Assert.Equal("""{"dtype":"U8","shape":[2],"data_offsets":[8,10]}""", header.RootElement.GetProperty("b").GetRawText());
        Assert.Equal<byte>([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 7, 8], file[(8 + length)..]);
    }

    [Fact]
    public void Metadata_comes_back_without_the_tensors()
    {
        var metadata = Safetensors.ReadMetadata(Sample());
        Assert.Equal("a \"quoted\" text, ünïcode", metadata["note"]);
        Assert.Equal(64, metadata["ard.sha256"].Length);
    }

    [Fact]
    public void A_foreign_file_without_digest_or_metadata_is_read_unless_a_digest_is_required()
    {
        var path = Foreign("""{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}   """, [1, 2]);
        using var scope = NewDisposeScope();
        Assert.Equal<byte>([1, 2], Safetensors.Read(path)["x"].data<byte>().ToArray());
        Assert.Empty(Safetensors.ReadMetadata(path));
        Assert.Contains("ard.sha256", Assert.Throws<DataFileException>(() => Safetensors.Read(path, requireDigest: true)).Message);
    }

    [Fact]
    public void A_digest_that_is_none_in_a_short_header_counts_as_a_foreign_text()
    {
        var path = Foreign(
            """{"__metadata__":{"ard.sha256":"x"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", [1, 2]);
        using var scope = NewDisposeScope();
        Assert.Equal<byte>([1, 2], Safetensors.Read(path)["a"].data<byte>().ToArray());
        Assert.Contains("ard.sha256", Assert.Throws<DataFileException>(() => Safetensors.Read(path, requireDigest: true)).Message);
    }

    [Fact]
    public void A_file_cut_at_any_byte_is_refused()
    {
        var whole = File.ReadAllBytes(Sample());
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(FileName, whole[..length]);
            var fault = Refused(FileName);
            Assert.InRange(fault.Offset!.Value, 0, length);
        }
    }

    [Fact]
    public void A_file_with_a_bit_flipped_in_any_byte_is_refused()
    {
        var file = File.ReadAllBytes(Sample());
        for (var index = 0; index < file.Length; index++)
        {
            var mask = (byte)(1 << index % 8);
            file[index] ^= mask;
            File.WriteAllBytes(FileName, file);
            Assert.Throws<DataFileException>(() => Safetensors.Read(FileName, requireDigest: true));
            file[index] ^= mask;
        }
    }

    [Fact]
    public void A_file_with_bytes_added_at_the_end_is_refused()
    {
        File.WriteAllBytes(FileName, [.. File.ReadAllBytes(Sample()), 0]);
        Assert.Contains("end of the file", Refused(FileName).Expected);
    }

    public static TheoryData<string, string, string> Headers => new()
    {
        // header over 8 payload bytes, expected, found
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"x":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}""", "once",
            "'x'" },
        { """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "after 4 payload bytes", "8 payload bytes" },
        { """{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "payload byte 0", "4" },
        { """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}}""",
            "payload byte 4", "5" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""",
            "payload byte 8", "4" },
        { """{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "within the 8 payload bytes", "12" },
        { """{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "12 bytes", "8" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "begin <= end", "[8,0]" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "begin <= end", "[-8,0]" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "begin <= end", "[0]" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8.5]}}""", "once each", "data_offsets[1]" },
        { """{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "whole numbers", "[-2]" },
        { """{"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", "once each", "$.shape" },
        { """{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", "2^63", "[4294967296,4294967296]" },
        { """{"x":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", "2^63", "4611686018427387904" },
        { """{"x":{"dtype":"U8","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", "2^63", "4611686018427387904" },
        { """{"x":{"dtype":"F8","shape":[8],"data_offsets":[0,8]}}""", "F64, F32", "'F8'" },
        { """{"x":{"dtype":7,"shape":[8],"data_offsets":[0,8]}}""", "once each", "$.dtype" },
        { """{"x":{"dtype":"U8","shape":[8]}}""", "data_offsets", "'data_offsets'" },
        { """{"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"more":1}}""", "once each", "'more'" },
        { """{"x":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "each once", "'dtype'" },
        { """{"x":[1]}""", "an object", "could not be converted" },
        { """[1]""", "begins with {", "0x5b" },
        { """ {}""", "begins with {", "0x20" },
        { """{"__metadata__":3}""", "JSON", "could not be converted" },
        { """{"__metadata__":{"a":3}}""", "JSON", "$.a" },
        { """{"__metadata__":{"a":"1","a":"2"}}""", "once", "'a'" },
        { """{"__metadata__":{"a":null}}""", "texts", "null" },
        { """{"__metadata__":null}""", "texts", "null" },
        { """{"x":null}""", "tensor 'x'", "null" },
        { """{"x":{"dtype":null,"shape":[8],"data_offsets":[0,8]}}""", "tensor 'x'", "dtype" },
        { """{"__metadata__":{},"__metadata__":{}}""", "once", "'__metadata__'" },
        { """{"x":""", "JSON", "Expected" },
        { """{"x\ud800":1}""", "JSON", "" },
        { """{"x":[[[[[[[[[[[[1]]]]]]]]]]]]}""", "JSON", "depth" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_wrong_header_is_refused_with_expected_and_found(string header, string expected, string found)
    {
        var fault = Refused(Foreign(header, new byte[8]));
        Assert.Contains(expected, fault.Expected);
        Assert.Contains(found, fault.Found);
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(0L)]
    [InlineData(100_000_001L)]
    [InlineData(long.MaxValue)]
    public void A_header_length_beyond_the_file_or_the_limit_is_refused_before_anything_is_allocated(long length)
    {
        var path = Foreign("{}", [], length);
        if (length == 100_000_001L) using (var stream = File.OpenWrite(path)) stream.SetLength(length + 100);   // a sparse file
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(0, Refused(path).Offset);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void A_byte_other_than_0_and_1_in_a_BOOL_tensor_is_refused_with_its_offset()
    {
        var header = """{"x":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""";
        var fault = Refused(Foreign(header, [1, 0, 2]));
        Assert.Equal(8 + header.Length + 2, fault.Offset);
        Assert.Equal("2", fault.Found);
    }

    [Fact]
    public void Unusable_names_are_refused_before_anything_is_written()
    {
        using var scope = NewDisposeScope();
        var x = zeros(1);
        Assert.Contains("'x'", Assert.Throws<ArgumentException>(() => Safetensors.Write(FileName, [("x", x), ("x", x)])).Message);
        Assert.Throws<ArgumentException>(() => Safetensors.Write(FileName, [("__metadata__", x)]));
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_write_that_fails_keeps_the_previous_file_and_leaves_nothing_beside_it()
    {
        AtomicFile.WriteAllText(FileName, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(FileName, stream =>
        {
            stream.Write("half of the new"u8);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(FileName));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_full_disk_keeps_the_previous_file_and_leaves_nothing_beside_it()
    {
        if (!OperatingSystem.IsLinux()) return;
        AtomicFile.WriteAllText(FileName, "old");
        Assert.Throws<IOException>(() => AtomicFile.Write(FileName, stream =>
        {
            // What is written goes to a device without room.
            using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite);
            Assert.NotEqual(-1, Duplicate((int)full.DangerousGetHandle(), (int)((FileStream)stream).SafeFileHandle.DangerousGetHandle()));
            stream.Write("new"u8);
        }));
        Assert.Equal("old", File.ReadAllText(FileName));
        Assert.Single(Directory.GetFiles(folder));
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "dup2")]
    private static extern int Duplicate(int from, int to);

    [Fact]
    public void A_tensor_larger_than_one_chunk_comes_back_and_no_tensor_is_left_behind()
    {
        var before = LiveTensors;
        using (var large = arange(5_000_000, float32))
        {
            Safetensors.Write(FileName, [("large", large)]);
            var read = Safetensors.Read(FileName);
            Assert.True(SameBytes(read["large"], large));
            read["large"].Dispose();
        }
        Assert.Equal(before, LiveTensors);
    }

    [SharedFact("reference/traces")]
    public void The_files_of_the_reference_implementation_are_read()
    {
        var files = Directory.GetFiles(Shared.Path("reference/traces"), "*.safetensors");
        foreach (var path in files.OrderBy(file => new FileInfo(file).Length).Take(3))
        {
            using var scope = NewDisposeScope();
            Assert.NotEmpty(Safetensors.Read(path));
        }
    }
}
