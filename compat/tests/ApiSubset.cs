using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Compat.Tests;

/// <summary>
/// The public and protected members of an assembly, one a line, in the words of the lists of the real packages' members; and the check that
/// a
/// stand-in has none beyond the list that is kept of them, <c>compat/tests/api/NAME.txt</c>. With the environment variable
/// <c>ARD_UPDATE_API=1</c> the check writes the kept list anew: the stand-in's lines that stand in the real lists of <c>shared/api</c>.
/// </summary>
internal static class ApiSubset
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<string, string> s_keywords = new()
    {
        ["System.Void"] = "void",
        ["System.Boolean"] = "bool",
        ["System.Char"] = "char",
        ["System.String"] = "string",
        ["System.Object"] = "object",
        ["System.SByte"] = "sbyte",
        ["System.Byte"] = "byte",
        ["System.Int16"] = "short",
        ["System.UInt16"] = "ushort",
        ["System.Int32"] = "int",
        ["System.UInt32"] = "uint",
        ["System.Int64"] = "long",
        ["System.UInt64"] = "ulong",
        ["System.Single"] = "float",
        ["System.Double"] = "double",
        ["System.Decimal"] = "decimal",
    };

    /// <summary>Fails, naming them, on members of the assembly that the kept list has not.</summary>
    public static void Check(Assembly assembly, string listName, string realLists)
    {
        var ours = Lines(assembly);
        if (Environment.GetEnvironmentVariable("ARD_UPDATE_API") == "1") Update(ours, listName, realLists);
        var extra = ours.Except(ReadList(KeptPath(listName))).ToArray();
        Assert.True(extra.Length == 0,
            $"{extra.Length} public members of {assembly.GetName().Name} are not in api/{listName}.txt:\n"
            + $"{string.Join('\n', extra)}");
    }

    /// <summary>Fails on lines of the kept list that the real lists have not.</summary>
    public static void CheckKept(string listName, string realLists)
    {
        var wrong = ReadList(KeptPath(listName)).Except(ReadReal(realLists)).ToArray();
        Assert.True(wrong.Length == 0,
            $"{wrong.Length} lines of api/{listName}.txt are not in the real lists:\n{string.Join('\n', wrong)}");
    }

    private static void Update(IEnumerable<string> ours, string listName, string realLists)
    {
        var real = ReadReal(realLists);
        string path = KeptPath(listName);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string heading = $"# Members of the real {listName} packages that the stand-in has. Written by the tests with ARD_UPDATE_API=1.";
        File.WriteAllLines(path, new[] { heading }
            .Concat(ours.Where(real.Contains)));
    }

    private static string KeptPath(string listName) => Path.Combine(Here(), "api", listName + ".txt");

    /// <summary>The folder of the real packages' lists.</summary>
    public static string RealFolder => Path.Combine(
        Environment.GetEnvironmentVariable("ARD_SHARED") is { Length: > 0 } shared ? shared
            : Path.Combine(Here(), "..", "..", "..", "shared"), "api");

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static HashSet<string> ReadReal(string pattern) => Directory.GetFiles(RealFolder, pattern).SelectMany(ReadList).ToHashSet();

    private static IEnumerable<string> ReadList(string path) => File.ReadLines(path).Where(line => line.Length > 0 && line[0] != '#');

    public static IReadOnlyList<string> Lines(Assembly assembly)
    {
        var lines = assembly.GetTypes().Where(IsVisible).SelectMany(LinesOf).ToList();
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static bool IsVisible(Type type)
    {
        for (var t = type; t != null; t = t.DeclaringType)
            if (!(t.IsPublic || t.IsNestedPublic || t.IsNestedFamily || t.IsNestedFamORAssem)) return false;
        return true;
    }

    private static IEnumerable<string> LinesOf(Type type)
    {
        string prefix = Name(type) + " :: ";
        yield return prefix + Header(type);
        if (IsDelegate(type))
        {
            var invoke = type.GetMethod("Invoke")!;
            yield return $"{prefix}delegate {Name(invoke.ReturnType)} ({Parameters(invoke)})";
            yield break;
        }
        if (type.IsEnum)
        {
            foreach (var field in type.GetFields(
                BindingFlags.Public | BindingFlags.Static)) yield return $"{prefix}{field.Name} = {Invariant(field.GetRawConstantValue())}";
            yield break;
        }
        var members = type.GetConstructors(Declared).Select(Constructor)
            .Concat(type.GetMethods(Declared).Select(Method))
            .Concat(type.GetProperties(Declared).Select(Property))
            .Concat(type.GetFields(Declared).Select(Field))
            .Concat(type.GetEvents(Declared).Select(Event));
        foreach (string? member in members)
            if (member != null) yield return prefix + member;
    }

    private static bool IsDelegate(Type type) => type.BaseType == typeof(MulticastDelegate);

    private static string Header(Type type)
    {
        string kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : IsDelegate(type) ? "delegate"
            : "class";
        string modifiers = kind != "class" ? "" : type.IsAbstract && type.IsSealed ? "static " : type.IsAbstract ? "abstract "
            : type.IsSealed ? "sealed " : "";
        var bases = new List<string>();
        if (kind == "class" && type.BaseType != null && type.BaseType != typeof(object)) bases.Add(Name(type.BaseType));
        if (kind is "class" or "struct" or "interface") bases.AddRange(type.GetInterfaces().Select(Name).Order(StringComparer.Ordinal));
        string list = bases.Count > 0 ? " : " + string.Join(", ", bases) : "";
        return modifiers + kind + list + string.Concat(type.GetGenericArguments().Select(Constraints)) + Obsolete(type);
    }

    private static string? Constructor(ConstructorInfo constructor) => constructor.IsStatic || Access(constructor) is not { } access
        ? null
        : $"{access} {constructor.DeclaringType!.Name.Split('`')[0]}({Parameters(constructor)}){Obsolete(constructor)}";

    private static string? Method(MethodInfo method)
    {
        bool isAccessor = method.IsSpecialName
            && new[] { "get_", "set_", "add_", "remove_" }.Any(p => method.Name.StartsWith(p, StringComparison.Ordinal));
        if (isAccessor || Access(method) is not { } access) return null;
        var types = method.IsGenericMethodDefinition ? method.GetGenericArguments() : Type.EmptyTypes;
        string generic = types.Length > 0 ? $"<{string.Join(", ", types.Select(t => t.Name))}>" : "";
        string extension = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
        return $"{access}{Modifiers(method)} {Ref(method.ReturnType)}{Name(method.ReturnType)} "
            + $"{method.Name}{generic}({extension}{Parameters(method)})"
            + string.Concat(types.Select(Constraints)) + Obsolete(method);
    }

    private static string? Property(PropertyInfo property)
    {
        string? get = property.GetMethod == null ? null : Access(property.GetMethod);
        string? set = property.SetMethod == null ? null : Access(property.SetMethod);
        if (get == null && set == null) return null;
        var method = get != null ? property.GetMethod! : property.SetMethod!;
        var index = property.GetIndexParameters();
        string name = index.Length > 0 ? $"this[{string.Join(", ", index.Select(Parameter))}]" : property.Name;
        string getter = get != null ? "get; " : "";
        string setter = set == null ? "" : (set != get && get != null ? set + " " : "") + "set; ";
        return $"{get ?? set}{Modifiers(method)} {Ref(property.PropertyType)}{Name(property.PropertyType)} "
            + $"{name} {{ {getter}{setter}}}{Obsolete(property)}";
    }

    private static string? Field(FieldInfo field)
    {
        if (!(field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly)) return null;
        string modifiers = field.IsLiteral ? " const" : (field.IsStatic ? " static" : "") + (field.IsInitOnly ? " readonly" : "");
        string value = field.IsLiteral ? " = " + Invariant(field.GetRawConstantValue()) : "";
        return $"{(field.IsPublic ? "public" : "protected")}{modifiers} {Name(field.FieldType)} {field.Name}{value}{Obsolete(field)}";
    }

    private static string? Event(EventInfo e) => Access(e.AddMethod!) is { } access ? $"{access} event {Name(e.EventHandlerType!)} {e.Name}"
        : null;

    private static string? Access(MethodBase method) => method.IsPublic ? "public" : method.IsFamily || method.IsFamilyOrAssembly
        ? "protected" : null;

    private static string Modifiers(MethodBase method)
    {
        string text = method.IsStatic ? " static" : "";
        if (method.IsAbstract) return text + " abstract";
        if (!method.IsVirtual || method.IsFinal) return text;
        return text + ((method.Attributes & MethodAttributes.NewSlot) == 0 ? " override" : " virtual");
    }

    private static string Ref(Type type) => type.IsByRef ? "ref " : "";

    private static string Obsolete(MemberInfo member) =>
        member.GetCustomAttributesData().Any(a => a.AttributeType == typeof(ObsoleteAttribute)) ? " [Obsolete]" : "";

    private static string Constraints(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var list = new List<string>();
        bool isStruct = (attributes & GenericParameterAttributes.NotNullableValueTypeConstraint) != 0;
        if ((attributes & GenericParameterAttributes.ReferenceTypeConstraint) != 0) list.Add("class");
        if (isStruct) list.Add("struct");
        list.AddRange(parameter.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(Name));
        if ((attributes & GenericParameterAttributes.DefaultConstructorConstraint) != 0 && !isStruct) list.Add("new()");
        return list.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", list)}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string modifier = parameter.GetCustomAttributesData().Any(a => a.AttributeType == typeof(ParamArrayAttribute)) ? "params " : "";
        if (parameter.ParameterType.IsByRef) modifier += parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        return $"{modifier}{Name(parameter.ParameterType)} {parameter.Name}{Default(parameter)}";
    }

    private static string Default(ParameterInfo parameter)
    {
        if (!parameter.HasDefaultValue) return "";
        var type = parameter.ParameterType;
        var underlying = Nullable.GetUnderlyingType(type);
        switch (parameter.RawDefaultValue)
        {
            case null: return type.IsValueType && underlying == null ? " = default" : " = null";
            case string text: return $" = \"{text}\"";
            case bool flag: return flag ? " = true" : " = false";
            case DBNull or Missing: return " = default";
            case var value:
                type = underlying ?? type;
                var named = type.IsEnum
                    ? type.GetFields(BindingFlags.Public | BindingFlags.Static)
                        .FirstOrDefault(f => Convert.ToInt64(f.GetRawConstantValue(), CultureInfo.InvariantCulture)
                        == Convert.ToInt64(value, CultureInfo.InvariantCulture))
                    : null;
                return named != null ? $" = {Name(type)}.{named.Name}" : " = " + Invariant(value);
        }
    }

    private static string Invariant(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsPointer) return Name(type.GetElementType()!) + "*";
        if (type.IsArray) return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsGenericParameter) return type.Name;
        string? full = (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName;
        if (full == null) return type.Name;
        if (s_keywords.TryGetValue(full, out string? keyword)) return keyword;
        var arguments = type.GetGenericArguments();
        if (full == "System.Nullable`1" && !type.IsGenericTypeDefinition) return Name(arguments[0]) + "?";
        if (full.StartsWith("System.ValueTuple`", StringComparison.Ordinal)
            && arguments.Length > 1) return $"({string.Join(", ", arguments.Select(Name))})";

        // Each level of a nested type takes its own share of the arguments.
        var text = new StringBuilder();
        int used = 0;
        foreach (string part in full.Split('+'))
        {
            if (text.Length > 0) text.Append('.');
            int tick = part.IndexOf('`');
            text.Append(tick < 0 ? part : part[..tick]);
            if (tick < 0) continue;
            int count = int.Parse(part[(tick + 1)..], CultureInfo.InvariantCulture);
            text.Append('<').AppendJoin(", ", arguments.Skip(used).Take(count).Select(Name)).Append('>');
            used += count;
        }
        return text.ToString();
    }
}

/// <summary>A test that needs the lists of the real packages' members and is skipped where they are absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RealListsFactAttribute : FactAttribute
{
    public RealListsFactAttribute()
    {
        if (!Directory.Exists(ApiSubset.RealFolder)) Skip = "needs the folder shared/api (set ARD_SHARED to the folder shared)";
    }
}
